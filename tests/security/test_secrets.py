"""A service that quotes everything it is sent: nothing secret reaches a file, the terminal or an export."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.security.hostile import KEY, Request, batchrun, error, response, service, sweep

TOKEN = "tok/en-5ecret+value"
FORMS = (
    KEY,
    TOKEN,
    quote(TOKEN, safe=""),
    "".join(f"\\u{ord(one):04x}" for one in TOKEN),
    "".join(f"\\u{ord(one):04x}" for one in KEY),
)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


def quoting(request: Request) -> bytes:
    """Each run another way to quote the key and the token; the token is in the payload."""
    number = int(json.loads(request.body)["name"].rpartition("-")[2])
    both = f"{KEY} and {TOKEN} and {quote(TOKEN, safe='')}"
    raw = '{"errors":[{"code":"C%s","message":"%s %s","field":"%s"}]}' % ((escaped(KEY),) + (escaped(TOKEN),) * 3)
    replies = {
        1: error("422 No", code=KEY, message=both, field=TOKEN, suggestion=both),
        2: response(raw.encode(), "422 No"),
        3: f"HTTP/1.1 2o1 {both}\r\n\r\n".encode(),
        4: f"{both}\r\n\r\n".encode(),
        5: response({"id": KEY, "status": TOKEN}, "201 Created"),
        6: response({"id": "r6", "status": f"{KEY} {TOKEN}"}, "201 Created"),
        7: response(both.encode(), "201 Created"),
        8: response(both.encode(), "500 Oops"),
        9: error("503 Later", message=both),
        10: response({"id": "r10", "status": "PENDING", "name": both, "payload": {"x": both}}, "201 Created"),
        11: response(b"", "429 Slow", headers=f"Retry-After: {KEY}\r\nRateLimit: {KEY}\r\n"),
    }
    return replies[number]


class Listed:
    """The two runs of ``quoting`` that were created properly: what a list must show for others to be known as absent."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def post(self, request: Request) -> bytes:
        self.names.add(json.loads(request.body)["name"])
        return quoting(request)

    def get(self, request: Request) -> bytes:
        made = sorted(self.names & {"hostile-6", "hostile-10"})
        if (wanted := parse_qs(urlsplit(request.path).query).get("name", [""])[0]).startswith("hostile-"):
            made = [name for name in made if name == wanted]
        now = datetime.now(UTC).isoformat()
        items = [{"id": f"r{name[8:]}", "name": name, "createTime": now, "status": TOKEN} for name in made]
        return response({"items": items, "total": len(items), "next_page": None})


@pytest.mark.slow
def test_no_secret_that_a_service_quotes_is_kept_or_shown(tmp_path: Path) -> None:
    sweep(tmp_path, 10, "{{env.TOKEN}}")
    listed = Listed()
    with service(listed.post, listed.get) as hostile:
        fast = ("--rate", "100", "--burst", "20")
        submitted = batchrun(tmp_path, "submit", "sweep.toml", "-y", "--base-url", hostile.url, *fast, TOKEN=TOKEN)
        assert any(TOKEN.encode() in request.body for request in hostile.posts)
    assert submitted.returncode == 1, submitted.stderr
    shown = [submitted]
    ledger = "sweep.ledger.jsonl"
    shown.append(batchrun(tmp_path, "status", ledger, TOKEN=TOKEN))
    shown.append(batchrun(tmp_path, "status", ledger, "--json", TOKEN=TOKEN))
    shown.append(batchrun(tmp_path, "ledger", "export", ledger, "-o", "rows.csv", TOKEN=TOKEN))
    shown.append(batchrun(tmp_path, "ledger", "export", ledger, "-o", "rows.jsonl", TOKEN=TOKEN))
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    texts |= {f"output {number}": one.stdout + one.stderr for number, one in enumerate(shown)}
    assert {"rows.csv", "rows.jsonl", ledger} <= texts.keys()
    assert "********" in texts[ledger]
    assert [(name, form) for name, text in texts.items() for form in FORMS if form in text] == []


def test_a_manifest_error_does_not_quote_an_environment_value(tmp_path: Path) -> None:
    sweep(tmp_path, 1)
    text = (tmp_path / "sweep.toml").read_text().replace('"tiny"', '"{{env.TOKEN}}"')
    (tmp_path / "sweep.toml").write_text(text.replace('"s3://acme/jobs/job.py"', '"{{env.TOKEN}}"'))
    refused = batchrun(tmp_path, "submit", "sweep.toml", "-y", TOKEN="not//a runtime")
    assert refused.returncode == 2
    assert "run.runtime" in refused.stderr
    assert "not//a runtime" not in refused.stderr + refused.stdout


def test_the_ledger_holds_no_fast_digest_of_an_environment_value(tmp_path: Path) -> None:
    sweep(tmp_path, 1, "{{env.TOKEN}}")
    with service(lambda _: response({"id": "r1", "status": "PENDING"}, "201 Created")) as fine:
        run = ("submit", "sweep.toml", "-y", "--base-url", fine.url)
        assert batchrun(tmp_path, *run, TOKEN=TOKEN).returncode == 0
        first = json.loads((tmp_path / "sweep.ledger.jsonl").read_text().splitlines()[0])
        (digest,) = first["environment"]
        assert digest["name"] == "TOKEN"
        assert len(digest["salt"]) == 32
        assert "files" not in first
        assert batchrun(tmp_path, *run, TOKEN=TOKEN).returncode == 0
        changed = batchrun(tmp_path, *run, TOKEN="another-token")
    assert changed.returncode == 4
    assert "env.TOKEN" in changed.stderr


def test_a_manifest_with_the_key_in_it_is_refused_before_a_ledger_is_made(tmp_path: Path) -> None:
    for text in (KEY, "".join(f"\\u{ord(one):04x}" for one in KEY)):
        sweep(tmp_path, 1, text)
        with service(lambda _: response({"id": "r1"}, "201 Created")) as fine:
            refused = batchrun(tmp_path, "submit", "sweep.toml", "-y", "--base-url", fine.url)
        assert refused.returncode == 2
        assert "the manifest contains the API key" in refused.stderr
        assert fine.posts == []
        assert [path.name for path in tmp_path.iterdir()] == ["sweep.toml"]


def test_commands_that_only_read_mask_the_values_that_runs_were_given(tmp_path: Path) -> None:
    sweep(tmp_path, 1, "{{env.TOKEN}}")

    def get(request: Request) -> bytes:
        if "/logs" in request.path:
            lines = [{"timestamp": "2026-11-01T00:00:00Z", "raw": f"connecting with {TOKEN} and {KEY}"}]
            return response({"items": lines, "current_page": "0", "next_page": None})
        return response({"items": [], "total": 0, "next_page": None})

    with service(lambda _: response({"id": "r1", "status": "COMPLETED"}, "201 Created"), get) as quoting_logs:
        url = ("--base-url", quoting_logs.url)
        assert batchrun(tmp_path, "submit", "sweep.toml", "-y", *url, TOKEN=TOKEN).returncode == 0
        logs = batchrun(tmp_path, "logs", "sweep.ledger.jsonl", *url, TOKEN=TOKEN)
    assert "connecting with ******** and ********" in logs.stdout, logs
