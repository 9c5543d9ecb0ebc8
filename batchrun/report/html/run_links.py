"""Links to a run's console page, at a URL that the user provides: the service does not document one."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from batchrun.errors import UsageError
from batchrun.report.rows import RunRow

__all__ = ["PLACEHOLDER", "RunLink", "checked_console_url", "run_link"]

PLACEHOLDER = "{run_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLink:
    """A run by name and id; ``url`` is None where no console address was given, or no run exists."""

    name: str
    run_id: str
    url: str | None


def checked_console_url(template: str | None) -> str | None:
    """The template, if it makes an address of the web.

    Raises:
        UsageError: it has no ``{run_id}``, or it is not an http or https address.

    """
    if template is None:
        return None
    place, example = "--console-url", f"such as https://console.example.com/runs/{PLACEHOLDER}"
    if PLACEHOLDER not in template:
        raise UsageError(place, f"'{template}' has no {PLACEHOLDER}", f"use a URL {example}")
    # A `javascript:` or `data:` link would run in the report.
    if urlsplit(template).scheme not in {"http", "https"} or not urlsplit(template).netloc:
        raise UsageError(place, f"'{template}' is not an http or https address", f"use one {example}")
    return template


def run_link(row: RunRow, template: str | None) -> RunLink:
    run_id = row.run_id or ""
    # The id is the service's text: with a "/", "?" or "#" in it the link would lead to another page.
    url = template.replace(PLACEHOLDER, quote(run_id, safe="")) if template is not None and run_id else None
    return RunLink(name=row.name or row.key, run_id=run_id, url=url)
