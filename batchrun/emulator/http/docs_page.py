"""The page at ``/docs``: every call, from the OpenAPI document. It loads nothing and runs no script."""

from collections.abc import Iterator
from html import escape
from typing import Any

__all__ = ["CONTENT_SECURITY_POLICY", "docs_page"]

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font-family:ui-monospace,monospace;font-size:13px}details{border-top:1px solid #8884;padding:.5rem 0}"
    "summary{cursor:pointer}b{display:inline-block;min-width:4.5rem}td,th{text-align:left;padding:.1rem 1rem .1rem 0}"
    "table{margin:.5rem 0 .5rem 1rem}small{opacity:.7}"
)


def docs_page(document: dict[str, Any]) -> str:
    """The page as HTML."""
    title = escape(document["info"]["title"])
    calls = "".join(_calls(document))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>Every call that this emulator supports. The machine-readable description is "
        f'<a href="/openapi.json">/openapi.json</a>.</p>{calls}</body></html>'
    )


def _calls(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            text = escape(operation.get("description") or operation.get("summary", ""))
            yield (
                f"<details><summary><b>{escape(method.upper())}</b><code>{escape(path)}</code> <small>{text}</small></summary>"
                f"{_table('Parameters', _parameters(operation))}{_body(operation)}"
                f"{_table('Responses', _responses(operation))}</details>"
            )


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in operation.get("parameters", ()):
        need = ", required" if one.get("required") else ""
        yield one["name"], f"{one['in']}{need}: {_type(one['schema'])}"


def _responses(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in operation["responses"].items():
        schemas = [media.get("schema", {}) for media in answer.get("content", {}).values()]
        yield status, ", ".join(filter(None, map(_type, schemas))) or answer.get("description", "")


def _body(operation: dict[str, Any]) -> str:
    contents = operation.get("requestBody", {}).get("content", {})
    return _table("Body", ((media, _type(one.get("schema", {}))) for media, one in contents.items()))


def _table(title: str, rows: Iterator[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table><tr><th colspan=2>{title}</th></tr>{cells}</table>" if cells else ""


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type", ""))
