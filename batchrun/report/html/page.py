"""Render the page as one file: style and script are inlined, and a content security policy allows nothing else."""

import base64
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from batchrun.report.html.content import ReportContent
from batchrun.report.html.text import clipped, inert
from batchrun.report.wording import numbered, percent

__all__ = ["MARKER", "render"]

TEMPLATES = Path(__file__).parent / "templates"
MARKER = "<!doctype html><!-- batchrun report -->"
"""How a page begins: a file that begins otherwise is never overwritten."""


def render(content: ReportContent) -> str:
    """The whole page. It loads nothing: not from the network, and not from files beside it."""
    style, script = _asset("pictures.css") + _asset("report.css"), _asset("report.js")
    return _environment().get_template("report.html.j2").render(
        page=content,
        marker=Markup(MARKER),  # noqa: S704 - our own constant
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        data=content.heat.data,
    )  # fmt: skip


def _policy(style: str, script: str) -> str:
    """``default-src 'none'``: what is not named by its hash neither runs, nor loads, nor styles anything."""
    return (
        f"default-src 'none'; style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        # A name that a template misspells is an error, and not an empty cell.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters |= {"clip": clipped, "numbered": numbered, "percent": percent}
    return environment


def _finalized(value: Any) -> Any:  # noqa: ANN401 - whatever a template shows
    """Every string that a template shows passes here: inert, then escaped by Jinja."""
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value
