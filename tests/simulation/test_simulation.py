"""Two hundred histories keep the promise, each is repeated by its seed, and broken rules are noticed; ``make sim`` is the long one."""

from itertools import pairwise
from typing import Any

import pytest

from tests.simulation.draw import drawn
from tests.simulation.events import parsed
from tests.simulation.workers import played

HISTORIES = 200
NOTICED_BY = {
    "odd-is-absent": range(2000, 2040),
    "send-before-durable": range(2000, 2003),
    "retry-without-settling": range(2000, 2010),
}
"""Seeds of which one notices each of these; ``python -m tests.simulation --mutants`` breaks every rule."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_the_service_holds_fits_what_the_ledger_says_after_every_history() -> None:
    lines = list(played({}, range(1, HISTORIES + 1), jobs=2))
    ended = [line for line in lines if "findings" in line]
    assert len(ended) == HISTORIES
    wrong = [f"seed {line['seed']}: {line['findings'][0]}\n{line['history']}" for line in ended if line["findings"]]
    assert wrong == []
    repeated = [line for line in lines if "is_repeated" in line]
    assert [line["is_repeated"] for line in repeated] == [True, True]
    (alone,) = played({}, [1])
    assert alone["sha256"] == next(line["sha256"] for line in ended if line["seed"] == 1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_history_leaves_the_same_trace_alone_and_after_a_thousand_others() -> None:
    lines = list(played({}, [7, *range(10_000, 11_000)]))
    first, last = lines[0], lines[-1]
    assert last == {"seed": 7, "is_repeated": True}
    (alone,) = played({}, [7])
    assert alone["sha256"] == first["sha256"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_rule_that_is_broken_is_noticed() -> None:
    seeds = {mutant: list(noticed) for mutant, noticed in NOTICED_BY.items()}
    lines = [line for line in played({"mutants": seeds}) if line.get("findings")]
    assert {line["mutant"] for line in lines} == NOTICED_BY.keys()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_history_with_findings_is_shrunk_and_still_shows_them() -> None:
    spec: dict[str, Any] = {"mutant": "retry-without-settling", "stop": True}
    (long,) = [line for line in played(spec, NOTICED_BY["retry-without-settling"]) if line.get("findings")]
    (short,) = played({"mutant": "retry-without-settling", "history": long["history"], "shrink": True})
    assert len(short["history"]) < len(long["history"])
    assert short["findings"]
    (again,) = played({"mutant": "retry-without-settling", "history": short["history"]})
    assert again["sha256"] == short["sha256"]


def test_a_printed_history_is_read_back() -> None:
    histories = [drawn(seed) for seed in range(50)]
    assert [parsed(history.describe()) for history in histories] == histories
    assert all(one != other for one, other in pairwise(histories))
