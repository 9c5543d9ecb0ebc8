"""The page in a real browser: it asks for nothing, works by pointer and keyboard, and without scripts up to a point."""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.report.batches import BATCHES

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")

CONTRAST = """() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const ratio = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const cells = [...document.querySelectorAll(".cells path + text")].map((text) =>
    ratio(getComputedStyle(text).fill, getComputedStyle(text.previousElementSibling).fill));
  const bar = [...document.querySelectorAll("svg.bar text")].map((text) =>
    ratio(getComputedStyle(text).fill, getComputedStyle(text.previousElementSibling).fill));
  const marks = [...document.querySelectorAll("ul.legend i")].filter((mark) => mark.textContent.trim()).map((mark) =>
    ratio(getComputedStyle(mark).color, getComputedStyle(mark).backgroundColor));
  const words = [...document.querySelectorAll("p, dt, dd, small, h1, h2, h3, a, th, td")].map((word) =>
    ratio(getComputedStyle(word).color, getComputedStyle(document.body).backgroundColor));
  return Math.min(...cells, ...bar, ...marks, ...words);
}"""


@pytest.fixture(scope="module")
def pages(page_of: Callable[[str], Path]) -> dict[str, Path]:
    """Made before the browser starts: from then on an event loop runs in this thread, which nothing may block."""
    return {name: page_of(name) for name in BATCHES}


@pytest.fixture(scope="module")
def browser(pages: dict[str, Path]) -> Iterator[Any]:  # noqa: ARG001 - made first
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


class Opened:
    """A page in the browser, and what happened on it."""

    def __init__(self, context: Any, path: Path) -> None:
        self.page = context.new_page()
        self.problems: list[str] = []
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        self.page.on(
            "request", lambda request: self.problems.append(request.url) if request.url != path.as_uri() else None
        )
        self.page.goto(path.as_uri())

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements, in one step: a table has thousands of them."""
        found: list[str] = self.page.evaluate(
            "(selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent.trim())", selector
        )
        return found

    def column(self, name: str) -> list[str]:
        """The visible cells of a column of the table."""
        place = self.texts("#table thead th").index(name) + 1
        return self.texts(f"#table tbody tr:not([hidden]) > :nth-child({place})")


@pytest.fixture(scope="module")
def contexts(browser: Any) -> Callable[..., Any]:
    """Contexts by their settings; starting one takes longer than most tests."""

    @cache
    def context(scheme: str, *, scripts: bool) -> Any:
        wide = {"width": 1280, "height": 900}
        return browser.new_context(viewport=wide, color_scheme=scheme, java_script_enabled=scripts)

    return context


@pytest.fixture
def opened(contexts: Callable[..., Any], pages: dict[str, Path]) -> Iterator[Callable[..., Opened]]:
    made: list[Opened] = []

    def opened(name: str, *, scheme: str = "light", scripts: bool = True) -> Opened:
        made.append(Opened(contexts(scheme, scripts=scripts), pages[name]))
        return made[-1]

    yield opened
    for one in made:
        one.page.close()


@pytest.mark.parametrize("name", BATCHES)
def test_a_page_asks_for_nothing_and_fits_a_phone(opened: Callable[..., Opened], name: str) -> None:
    one = opened(name)
    assert one.problems == []
    assert one.page.locator(".verdict").is_visible()
    one.page.set_viewport_size({"width": 400, "height": 800})
    assert one.page.evaluate("document.documentElement.scrollWidth") == 400


def test_hostile_text_stays_text(opened: Callable[..., Opened]) -> None:
    one = opened("hostile")
    assert "pwned" not in one.page.title()
    assert one.page.locator("script").count() == 2
    assert one.page.locator("img, iframe, object, embed, link").count() == 0
    one.page.fill("#search", "<script>docum")
    assert any(text.startswith("<script>docum") for text in one.column("text"))
    one.page.locator("figure[data-axes] svg[data-grid]").first.focus()
    one.page.keyboard.press("ArrowRight")
    one.page.keyboard.press("Enter")
    assert "<b>axis</b>" in one.page.locator("#chips").inner_text()
    assert one.problems == []


def test_columns_are_sorted_as_what_they_hold(opened: Callable[..., Opened]) -> None:
    one = opened("seasons")
    one.page.click("#table thead button:has-text('Ran')")
    worked = [_seconds(text) for text in one.column("Ran")]
    assert worked == sorted(worked)
    one.page.click("#table thead button:has-text('Ran')")
    assert [_seconds(text) for text in one.column("Ran")] == worked[::-1]
    assert one.page.locator("#table th[aria-sort=descending]").inner_text().startswith("Ran")
    one.page.click("#table thead button:has-text('USD')")
    costs = [float(text) for text in one.column("USD")]
    assert costs == sorted(costs)
    one.page.click("#table thead button:has-text('Run')")
    assert one.column("Run")[0] == "ndvi-ap-south-2024-01-01-10m-t001"


def _seconds(text: str) -> int:
    total = 0
    for part in text.split(":"):
        total = total * 60 + int(part)
    return total


def test_rows_are_filtered_by_words_status_reason_and_cell(opened: Callable[..., Opened]) -> None:
    one = opened("seasons")
    assert one.column("Status")[0] == "FAILED"
    one.page.fill("#search", "EU-2024-09")
    assert set(one.column("region")) == {"eu"}
    one.page.select_option("#status", "TIMED_OUT")
    assert set(one.column("Status")) <= {"TIMED_OUT"}
    one.page.click("#clear")
    assert one.page.locator("#shown").inner_text() == "1,008 of 1,008 rows"
    one.page.click("article:nth-of-type(2) button")
    number = int(one.page.locator("article:nth-of-type(2) .count").inner_text())
    assert len(one.column("Reason")) == number
    one.page.click("#clear")
    cell = one.page.locator("figure[data-axes] .cells").first.locator("path").nth(2 + 4 * 10)
    cell.click()
    assert set(one.column("region")) == {"eu"}
    assert set(one.column("month")) == {"2024-11-01"}
    assert one.page.locator("#chips").inner_text() == "region = eu, month = 2024-11-01"


def test_a_heat_map_is_read_and_used_by_keyboard(opened: Callable[..., Opened]) -> None:
    one = opened("seasons")
    picture = one.page.locator("figure[data-axes] svg[data-grid]").first
    picture.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        one.page.keyboard.press(key)
    tip = one.page.locator(".tip")
    assert tip.get_attribute("role") == "status"
    assert tip.inner_text().splitlines()[:2] == ["region = eu", "month = 2024-01-01"]
    assert re.search(r"^0 of 21 failed\nmedian run time [\d.]+ min\nCost, USD \d", tip.inner_text(), re.MULTILINE)
    one.page.keyboard.press("Enter")
    assert set(one.column("month")) == {"2024-01-01"}
    assert one.page.evaluate("document.activeElement.id") == "clear"


DRAWN = """(selector) => [...document.querySelector(selector).querySelectorAll("text, .cells path, .legend path")].map(
  (part) => [part.tagName, part.getAttribute("class"), part.textContent,
    (part.getAttribute("d") || "").replace(/[\\d.]+/g, (number) => Math.round(number * 10) / 10)].join(" "))"""


@pytest.mark.parametrize("name", ["seasons", "twelve axes", "missing fields"])
def test_the_script_draws_as_the_page_does(opened: Callable[..., Opened], name: str) -> None:
    one = opened(name)
    x, y = (one.page.locator("figure[data-axes]").first.get_attribute("data-axes") or "").split(",")
    one.page.select_option("#pick-x", x)
    one.page.select_option("#pick-y", y)
    for measure in "fdm":
        one.page.select_option("#pick-m", measure)
        drawn = one.page.evaluate(DRAWN, "#chosen svg")
        assert sorted(drawn) == sorted(one.page.evaluate(DRAWN, f"figure[data-axes] [data-measure={measure}] svg"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_dark(opened: Callable[..., Opened], scheme: str) -> None:
    for name in ("seasons", "half way", "not followed"):
        one = opened(name, scheme=scheme)
        background = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(19, 20, 24)")
        assert one.page.evaluate(CONTRAST) >= 4.5


def test_without_scripts_only_hover_sort_and_filter_are_missing(opened: Callable[..., Opened]) -> None:
    one = opened("seasons", scripts=False)
    assert one.page.locator("#table tbody tr").count() == 1_008
    assert not one.page.locator("#filters").is_visible()
    assert not one.page.locator("#chooser").is_visible()
    assert one.page.locator("button:visible").count() == 0
    first = one.page.locator("figure[data-axes]").first
    assert first.locator("svg:visible").count() == 1
    first.locator("label", has_text="Median run time").click()  # tabs need no script
    assert first.locator("[data-measure=d] svg").is_visible()
    assert not first.locator("[data-measure=f] svg").is_visible()


def test_the_page_prints_on_a4(opened: Callable[..., Opened], tmp_path: Path) -> None:
    one = opened("half way", scheme="dark")
    one.page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    data = (tmp_path / "report.pdf").read_bytes()
    assert re.search(rb"/MediaBox \[0 0 59[45]\.\d+ 84[12]\.\d+\]", data)
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 12
    one.page.emulate_media(media="print")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        one.page.evaluate("getComputedStyle(document.querySelector('#table tbody tr:nth-child(101)')).display")
        == "none"
    )
    assert one.page.locator("#table thead").is_visible()
    assert not one.page.locator("nav").is_visible()


def test_pictures_have_names_and_tables_have_headers(opened: Callable[..., Opened]) -> None:
    one = opened("half way")
    assert one.page.locator("svg:not([aria-hidden]):not([aria-label])").count() == 0
    assert one.page.locator("table").count() == one.page.locator("table:has(thead th[scope=col])").count()
    assert one.page.locator("tbody tr").count() == one.page.locator("tbody tr:has(th[scope=row])").count()
    headings = [
        int(tag[1]) for tag in one.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((h) => h.tagName)")
    ]
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
