"""``batchrun verify``: what the service holds is compared with the ledger, and each disagreement is named."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from batchrun.emulator.http.server import EmulatorServer
from batchrun.ledger.file import FileLedger
from tests.cli.conftest import Ended, Run
from tests.cli.service import configure, create, delete, runs

Do = Callable[..., Ended]
LEDGER = "jobs.ledger.jsonl"


@pytest.fixture
def do(batchrun: Run, sweep: Path, server: EmulatorServer) -> Do:
    """Runs a command on the sweep against the service."""

    def run(command: str, *words: str | Path) -> Ended:
        return batchrun(command, sweep, *words, "--base-url", server.url)

    return run


@pytest.fixture
def submitted(do: Do, server: EmulatorServer) -> dict[str, str]:
    """All twelve runs, by name."""
    ended = do("submit", "--rate", "500", "--quiet")
    assert ended.status == 0, ended.err
    return {run["name"]: run["id"] for run in runs(server)}


def kinds(ended: Ended) -> dict[str, int]:
    return {kind: count for kind, count in ended.document["counts"].items() if count}


def test_where_both_agree_the_status_is_0(do: Do, submitted: dict[str, str], tmp_path: Path) -> None:
    del submitted
    before = (tmp_path / LEDGER).read_bytes()
    ended = do("verify")
    assert (ended.status, ended.err) == (0, "")
    line = "only runs created since the batch began were listed\n"
    assert ended.out == f"{line}{tmp_path / LEDGER}: 12 created runs checked, no findings\n"
    assert (tmp_path / LEDGER).read_bytes() == before


def test_what_is_missing_or_held_twice_is_named(do: Do, submitted: dict[str, str], server: EmulatorServer) -> None:
    delete(server, names=["job-nyc-2021"])
    other, odd = create(server, "lax", 2022), create(server, "lax", 2023, runtime="large")
    ended, document = do("verify"), do("verify", "--json")
    assert ended.status == document.status == 1
    missing = submitted["job-nyc-2021"]
    assert re.search(rf"missing +job-nyc-2021 +submitted +1 +{missing} +no such run\n", ended.out)
    assert re.search(
        rf"twice +job-lax-2022 +submitted +1 +{submitted['job-lax-2022']} +{other} .* matches\n", ended.out
    )
    assert re.search(rf"{odd} .* differs: runtime is \"large\", planned \"tiny\"", ended.out)
    assert "the other run may belong to another ledger" in ended.out
    assert kinds(document) == {"missing": 1, "twice": 2}
    assert document.document["to_cancel"] == []  # this ledger sent each of them once


def test_a_commit_that_comes_after_everything_is_reported_with_the_id_to_cancel(do: Do, server: EmulatorServer) -> None:
    """The duplicate that no client can prevent: the first attempt commits after the second one was answered."""
    late = {"faults": {"late_commit": "1@1-1"}, "late_commit_s": 2.5, "late_commit_response": "reset"}
    configure(server, **late)
    where = ("--where", "site=nyc", "--where", "year=2021")
    ended = do("submit", *where, "--settle-after", "0.2s", "--rate", "500", "--quiet")
    assert ended.status == 0, ended.err
    first = runs(server)
    assert [run["name"] for run in first] == ["job-nyc-2021"]
    while len(runs(server)) < 2:
        pass
    document = do("verify", "--json")
    assert document.status == 1
    (finding,) = document.document["findings"]
    assert (finding["kind"], finding["name"], finding["run_id"]) == ("twice", "job-nyc-2021", first[0]["id"])
    (late_id,) = {run["id"] for run in runs(server)} - {first[0]["id"]}
    assert document.document["to_cancel"] == [late_id]
    assert f"cancel {late_id}" in do("verify").out


def test_a_run_of_a_name_that_was_never_sent_is_foreign(do: Do, server: EmulatorServer) -> None:
    configure(server, faults={"forbidden": 1})
    assert do("submit", "--concurrency", "1", "--quiet").status == 3
    configure(server, faults={"forbidden": 0})
    other = create(server, "ord", 2024)
    ended, document = do("verify"), do("verify", "--json")
    assert kinds(document) == {"foreign": 1}
    assert re.search(rf"foreign +job-ord-2024 +pending +0 +{other} .* matches", ended.out)
    assert "resume" in ended.out
    assert "--adopt-existing adopts them" in ended.out


def test_unknown_runs_are_findings_with_what_is_held(do: Do, server: EmulatorServer) -> None:
    configure(server, faults={"reset_after_commit": 1}, payload_rewrites=["mask_argument"])
    assert do("submit", "--rate", "500", "--settle-after", "0.1s", "--quiet").status == 1
    configure(server, payload_rewrites=[])
    delete(server, names=["job-ord-2024"])
    ended, document = do("verify"), do("verify", "--json")
    assert kinds(document) == {"unknown": 12}
    held = {one["name"]: [run["fit"] for run in one["held"]] for one in document.document["findings"]}
    assert held.pop("job-ord-2024") == []
    assert all(fits == ["ours"] for fits in held.values())
    assert re.search(r"unknown: 12 runs; batchrun resume .* settles them, and batchrun resolve", ended.out)
    assert do("resume", "--settle-after", "0.1s", "--quiet").status == 0


@pytest.mark.parametrize("most", [None, 3])
def test_a_rerun_that_the_ledger_does_not_know_is_named(
    do: Do, submitted: dict[str, str], server: EmulatorServer, most: int | None
) -> None:
    other = create(server, "nyc", 2021, name="job-nyc-2021-r3")
    create(server, "nyc", 2021, name="job-nyc-2021-r2")
    configure(server, list_max_items=most)
    ended, document = do("verify"), do("verify", "--json")
    assert kinds(document) == {"foreign": 2}
    assert {one["name"] for one in document.document["findings"]} == {"job-nyc-2021-r2", "job-nyc-2021-r3"}
    assert re.search(rf"foreign +job-nyc-2021-r3 +pending +0 +{other} ", ended.out)
    assert "2 reruns not in this ledger" in ended.out
    assert submitted["job-nyc-2021"] not in ended.out


def test_lists_that_end_early_hide_no_run(do: Do, submitted: dict[str, str], server: EmulatorServer) -> None:
    del submitted
    delete(server, names=["job-nyc-2022"])
    configure(server, list_max_items=3)
    document = do("verify", "--json")
    assert kinds(document) == {"missing": 1}
    configure(server, faults={"list_repeats": 1}, list_max_items=None)
    assert kinds(do("verify", "--json")) == {"missing": 1}


@pytest.mark.parametrize("status", [403, 404, 405])
def test_where_lists_are_refused_ids_are_looked_up(
    do: Do, submitted: dict[str, str], server: EmulatorServer, status: int
) -> None:
    delete(server, names=["job-nyc-2022"])
    configure(server, refused_calls={"list": status})
    ended, document = do("verify"), do("verify", "--json")
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert f"the runs cannot be listed (HTTP {status}" in ended.err
    assert [one["run_id"] for one in document.document["findings"]] == [submitted["job-nyc-2022"]]


def test_where_single_runs_are_refused_lists_must_do(do: Do, submitted: dict[str, str], server: EmulatorServer) -> None:
    del submitted
    configure(server, refused_calls={"get": 403})
    assert do("verify").status == 0
    delete(server, names=["job-nyc-2022"])
    ended = do("verify")
    assert ended.status == 1
    assert "single runs cannot be read (HTTP 403" in ended.err
    assert "12 created runs checked, no findings; not everything could be checked" in ended.out


def test_where_everything_is_refused_nothing_is_claimed(
    do: Do, submitted: dict[str, str], server: EmulatorServer
) -> None:
    del submitted
    configure(server, refused_calls={"list": 404, "get": 404, "organization": 404})
    ended = do("verify")
    assert ended.status in {3, 4}
    assert "created runs checked" not in ended.out


@pytest.mark.parametrize("command", ["verify", "resolve", "recover"])
def test_where_nobody_answers_it_does_not_ask_for_minutes(
    batchrun: Run, sweep: Path, submitted: dict[str, str], server: EmulatorServer, tmp_path: Path, command: str
) -> None:
    del submitted
    with socket.create_server(("127.0.0.1", 0)) as nobody:  # accepts, and never answers
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        text = (tmp_path / LEDGER).read_text().replace(server.url, url)
        (tmp_path / LEDGER).write_text(text.replace('"event":"submitted"', '"event":"unknown","reason":"?"'))
        words = [sweep, "--ledger", "new.ledger.jsonl"] if command == "recover" else [sweep]
        began_s = time.monotonic()
        ended = batchrun(command, *words, "--base-url", url, "--timeout", "0.3s")
    assert ended.status == 3
    assert "no response" in ended.err
    assert time.monotonic() - began_s < 60  # not a hundred timeouts


def test_a_ledger_that_is_being_written_can_be_verified(do: Do, submitted: dict[str, str], tmp_path: Path) -> None:
    del submitted
    with FileLedger.open(tmp_path / LEDGER):
        assert do("verify").status == 0


def test_a_plan_that_cannot_be_made_again_is_no_obstacle(
    do: Do, submitted: dict[str, str], server: EmulatorServer, tmp_path: Path
) -> None:
    text = (tmp_path / LEDGER).read_text()
    first = json.loads(text.splitlines()[0])
    first["manifest"] = "version = 7"
    (tmp_path / LEDGER).write_text("\n".join([json.dumps(first), *text.splitlines()[1:]]) + "\n")
    other = create(server, "lax", 2022)
    ended = do("verify", "--json")
    assert "so payloads are not compared" in ended.err
    (finding,) = ended.document["findings"]
    assert finding["held"][0] | {"created": 0, "status": 0} == {
        "run_id": other,
        "name": "job-lax-2022",
        "status": 0,
        "created": 0,
        "fit": "ours",
        "compared": False,
        "differences": [],
        "key": None,
        "foreign": False,
    }
    assert finding["run_id"] == submitted["job-lax-2022"]


def test_a_rate_must_be_one(do: Do, submitted: dict[str, str]) -> None:
    del submitted
    for rate in ("0", "-3", "nan"):
        ended = do("verify", "--rate", rate)
        assert ended.status == 2, rate
        assert "is not a rate" in ended.err
    assert do("verify", "--rate", "0.5").status == 0


def test_many_findings_are_counted_and_the_first_shown(do: Do, server: EmulatorServer) -> None:
    assert do("submit", "--axis", "year={ from = 2001, to = 2060 }", "--rate", "1000", "--quiet").status == 0
    delete(server, names=["job-lax-*", "job-ord-*"])
    ended = do("verify", "--rate", "1000")
    assert ended.status == 1
    assert ended.out.count("no such run") == 50
    assert "... and 70 more; --json lists all" in ended.out
    assert "missing: 120 runs in the ledger no longer exist at the service" in ended.out
