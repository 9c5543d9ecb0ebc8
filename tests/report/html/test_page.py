"""The page: one file that allows nothing but its own style and script, and in which text from outside is only text."""

import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typing_extensions import override

from batchrun.report.html.json_block import json_block
from batchrun.report.html.page import MARKER
from batchrun.report.html.write import make_report
from tests.report.batches import BATCHES, HOSTILE

KNOWN = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "h1",
        "p",
        "ul",
        "li",
        "svg",
        "desc",
        "rect",
        "text",
        "i",
        "b",
        "dl",
        "div",
        "dt",
        "dd",
        "small",
        "nav",
        "main",
        "section",
        "h2",
        "article",
        "h3",
        "span",
        "code",
        "button",
        "figure",
        "figcaption",
        "input",
        "label",
        "g",
        "path",
        "line",
        "table",
        "caption",
        "thead",
        "tr",
        "th",
        "tbody",
        "td",
        "select",
        "option",
        "output",
        "footer",
        "script",
    ]
)


class Page(HTMLParser):
    """The elements of a page, its attributes by name, and the text of its scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    @override
    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @override
    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)


@pytest.fixture(params=list(BATCHES))
def html(request: pytest.FixtureRequest, page_of: Callable[[str], Path]) -> str:
    return page_of(request.param).read_text("utf-8")


def test_a_page_has_its_own_elements_and_loads_nothing(html: str) -> None:
    page = Page(html)
    assert html.startswith(MARKER)
    assert page.tags - KNOWN == set()
    assert {name for name in page.attributes if name.startswith("on") or name == "style"} == set()
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert len(html.encode()) < 1_500_000


def test_the_policy_allows_the_style_and_the_script_by_their_hashes_alone(html: str) -> None:
    page = Page(html)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].replace("&#39;", "'").split(";"))
    digests = {name: base64.b64encode(sha256(page.raw[name][-1].encode()).digest()).decode() for name in page.raw}
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digests['style']}'",
        "script-src": f"'sha256-{digests['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(page.raw["style"]) == 1
    assert len(page.raw["script"]) == 2


def test_the_counts_for_the_script_are_json(html: str) -> None:
    data = json.loads(Page(html).raw["script"][0])
    assert {len(cell) for cells in data["pairs"].values() for cell in cells} <= {7}


def test_hostile_text_is_bounded_and_shows_what_cannot_be_seen(tmp_path: Path) -> None:
    html = make_report(BATCHES["hostile"](tmp_path), now=lambda: 0.0).html
    assert len(html) < 200_000
    assert "\u202e" not in html
    assert "\\u202e" in html
    assert not re.search("[\x00-\x08\x0b-\x1f]", html)


@pytest.mark.parametrize("text", HOSTILE[:11])
def test_json_in_a_script_element_cannot_end_it(text: str) -> None:
    block = json_block({"text": text, "list": [text]})
    assert "<" not in block
    assert json.loads(block)["text"] == json.loads(block)["list"][0]
