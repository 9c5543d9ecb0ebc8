"""What the site changes in pages that are written for a reader of the repository."""

import runpy
from pathlib import Path
from types import SimpleNamespace

DOCS = Path(__file__).parents[2] / "docs"


def on_the_site(page: str) -> str:
    source = [(DOCS / f"{page}.md").read_text("utf-8")]
    runpy.run_path(str(DOCS / "conf.py"))["_for_the_site"](SimpleNamespace(srcdir=DOCS), page, source)
    return source[0]


def test_the_states_of_the_search_are_a_table_because_nothing_draws_a_diagram_there() -> None:
    text = on_the_site("explanation/pacing")
    assert "mermaid" not in text
    assert "| the start | STARTING | cold start |" in text
    assert "| CLOSED | SEARCHING | probe accepted, limit not measured yet |" in text


def test_links_to_modules_and_folders_are_text_and_links_to_pages_stay() -> None:
    assert ".py)" not in on_the_site("explanation/pacing")
    manifest = on_the_site("manifest")
    assert "](../manifests)" not in manifest
    assert "[Manifest keys](reference/manifest-keys.md)" in manifest
