"""Lists that lie, repeat or do not fit the contract: bounded, reported, and never believed blindly."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typing_extensions import override

from batchrun.engine.batch import new_batch
from batchrun.ledger.clock import timestamp
from batchrun.ledger.events import AttemptEvent, SubmittedEvent, UnknownEvent, event_line
from batchrun.ledger.fold import Outcome
from batchrun.ledger.reader import read_state
from batchrun.sweep.manifest.manifest import Manifest
from batchrun.sweep.plan import PlannedRun, build_plan
from batchrun.wherobots.clock import steady_now
from tests.cli.conftest import Ended, Run

Page = bytes | dict[str, Any]
LEDGER = "jobs.ledger.jsonl"
QUICK = ("--settle-after", "0.1s")


class Liar:
    """A service whose list is what a test says; single runs do not exist unless they are in ``runs``."""

    def __init__(self) -> None:
        self.page: Callable[[dict[str, list[str]]], Page] = lambda _: {"items": [], "total": 0}
        self.runs: dict[str, dict[str, Any]] = {}
        self.lists = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                status, body = outer.answer(parts.path, parse_qs(parts.query))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:  # the client had enough
                    self.close_connection = True

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        if path == "/organization":
            return 403, b"{}"
        if path == "/runs":
            self.lists += 1
            page = self.page(query)
            return 200, page if isinstance(page, bytes) else json.dumps(page).encode()
        found = self.runs.get(path.removeprefix("/runs/"))
        return (404, b"{}") if found is None else (200, json.dumps(found).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Iterator[Liar]:
    monkeypatch.setattr("batchrun.engine.listing.scan.TRIES_A_PAGE", 1)  # waiting between tries is not what is tested
    liar = Liar()
    yield liar
    liar.close()


Do = Callable[..., Ended]


@pytest.fixture
def do(batchrun: Run, sweep: Path, liar: Liar) -> Do:
    return lambda command, *words: batchrun(command, sweep, *words, "--base-url", liar.url)


@pytest.fixture
def plan(sweep: Path) -> list[PlannedRun]:
    return list(build_plan(Manifest.load(sweep)))


def listed(run: PlannedRun, run_id: Any = "r1", **changes: Any) -> dict[str, Any]:
    told = {"id": run_id, "name": run.name, "status": "RUNNING", "createTime": timestamp(steady_now())}
    return told | {"payload": json.loads(run.body)} | changes


def one_page(*items: Any, **changes: Any) -> Callable[[Any], Page]:
    return lambda _: {"items": list(items), "total": len(items), "next_page": None} | changes


def write_ledger(sweep: Path, liar: Liar, *events: Any) -> Path:
    path = sweep.with_name(LEDGER)
    path.write_bytes(b"".join(map(event_line, [new_batch(build_plan(Manifest.load(sweep)), liar.url), *events])))
    return path


def attempt(run: PlannedRun) -> AttemptEvent:
    return AttemptEvent(at=timestamp(steady_now() - 1), key=run.key, n=1, name=run.name)


def created(run: PlannedRun, run_id: str) -> SubmittedEvent:
    return SubmittedEvent(at=timestamp(steady_now()), key=run.key, n=1, run_id=run_id, name=run.name)


BROKEN: dict[str, Page] = {
    "no JSON": b"<html>sign in</html>",
    "a list": b"[]",
    "numbers for ids": {"items": [{"id": 7, "name": "job-nyc-2021"}], "total": 1},
    "a table for items": {"items": {"id": "r1"}, "total": 1},
    "deeply nested": b"[" * 100_000,
    "an endless cursor": {"items": [], "total": 0, "next_page": "c" * 1_000_000},
}


@pytest.mark.parametrize("page", BROKEN.values(), ids=BROKEN)
def test_a_page_that_cannot_be_read_decides_nothing(
    do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun], page: Page
) -> None:
    liar.page = lambda _: page
    recovered = do("recover", *QUICK)
    assert recovered.status == 3
    assert recovered.err.startswith("error: GET /runs: the response ")
    assert not sweep.with_name(LEDGER).exists()
    ledger = write_ledger(sweep, liar, attempt(plan[0]), UnknownEvent(at="", key=plan[0].key, n=1, reason="?"))
    before = ledger.read_bytes()
    verified = do("verify")
    assert verified.status == 3
    assert verified.err.count("\n") == 1
    for words in (
        ["resolve"],
        ["resolve", "--all-unknown", "--adopt-held", "--yes"],
    ):  # it may be decided without a list
        ended = do(*words)
        if "page cursor" in ended.err:  # it could be read, and leads nowhere
            assert ended.status == 3
        else:
            assert ended.status == len(words[1:2])
            assert "the runs cannot be listed: the response " in ended.err
    assert ledger.read_bytes() == before


def test_a_page_of_hundreds_of_megabytes_is_not_read(do: Do, liar: Liar, sweep: Path) -> None:
    page = b'{"items": [' + b" " * (80 << 20) + b"]}"
    liar.page = lambda _: page
    ended = do("recover", *QUICK)
    assert ended.status == 3
    assert "longer than 64 MiB" in ended.err
    assert not sweep.with_name(LEDGER).exists()


def test_an_id_that_would_change_a_url_is_never_adopted(
    do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun]
) -> None:
    ids = ["../jobs", "a/b", "a%2Fb", "a?b=c", "", "x" * 4000, "\x1b[2J", "r 1"]
    liar.page = one_page(*(listed(run, run_id) for run, run_id in zip(plan, ids, strict=False)))
    ended = do("recover", *QUICK)
    assert ended.status == 1
    assert "0 submitted, 4 pending, 8 unknown" in ended.out
    assert "\x1b" not in ended.out
    state = read_state(sweep.with_name(LEDGER))
    assert {run.run_id for run in state.runs.values()} == {None}
    assert state.counts[Outcome.UNKNOWN] == 8
    adopted = do("resolve", "--all-unknown", "--adopt-held", "--yes")
    assert adopted.status == 1
    assert read_state(sweep.with_name(LEDGER)).counts[Outcome.UNKNOWN] == 8


def test_one_id_for_several_names_is_neithers(do: Do, liar: Liar, plan: list[PlannedRun]) -> None:
    liar.page = one_page(listed(plan[0]), listed(plan[1]))
    assert "the list gives the id r1 to two runs" in do("recover", *QUICK).err
    pages = [
        one_page(listed(plan[0]), total=3, next_page="2"),
        one_page(listed(plan[1]), listed(plan[2], "r2"), total=3),
    ]
    liar.page = lambda query: pages["cursor" in query](query)
    ended = do("recover", *QUICK)
    assert ended.status == 3
    assert "the list gives the id r1 to two runs" in ended.err


def test_an_id_of_the_ledger_under_another_name_too_is_not_overlooked(
    do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun]
) -> None:
    write_ledger(sweep, liar, attempt(plan[0]), created(plan[0], "r1"))
    liar.page = one_page(listed(plan[1], "r1"))
    liar.runs["r1"] = listed(plan[1], "r1")
    document = do("verify", "--json").document
    (finding,) = document["findings"]
    assert (finding["kind"], finding["run_id"], finding["found_name"]) == ("renamed", "r1", plan[1].name)


def test_a_list_that_repeats_its_cursor_ends(do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun]) -> None:
    write_ledger(sweep, liar, attempt(plan[0]), created(plan[0], "r1"))
    liar.page = one_page(listed(plan[0]), total=10**9, next_page="again")
    liar.runs["r1"] = listed(plan[0])
    ended = do("verify", "--rate", "1000")
    assert ended.status == 1
    assert "the lists of 12 names are incomplete" in ended.err
    assert liar.lists < 50


@pytest.mark.parametrize("total", [None, -1, 10**30])
def test_a_total_that_is_none_proves_nothing(
    do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun], total: int | None
) -> None:
    liar.page = one_page(listed(plan[0]), total=total)
    ended = do("recover", *QUICK)
    assert ended.status == 1
    assert "1 submitted, 0 pending, 11 unknown" in ended.out
    assert read_state(sweep.with_name(LEDGER)).counts[Outcome.UNKNOWN] == 11


def test_a_thousand_runs_of_one_name_are_bounded(do: Do, liar: Liar, sweep: Path, plan: list[PlannedRun]) -> None:
    liar.page = one_page(*(listed(plan[0], f"r{number}") for number in range(1000)))
    ended = do("recover", *QUICK)
    assert "more than one run matches" in ended.out
    assert max(map(len, ended.out.splitlines())) < 400
    shown = do("resolve")
    assert shown.status == 0
    assert len(shown.out.splitlines()) < 60
    assert do("resolve", "--all-unknown", "--adopt-held", "--yes").status == 1
    assert read_state(sweep.with_name(LEDGER)).counts[Outcome.UNKNOWN] == 1
