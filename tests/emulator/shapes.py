"""The shapes of the calls beside ``POST /runs``, from the service's public description, and answers checked by them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

DATA = Path(__file__).parent / "data" / "calls.json"
CALLS: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))


@cache
def validator(path: str, method: str, status: str) -> Draft202012Validator:
    """Of the answer to one call, whose ``path`` is a template such as ``/runs/{run_id}``."""
    answer = CALLS["paths"][path][method]["responses"][status]
    schema = answer["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": CALLS["components"]}, format_checker=FormatChecker())


def checked(answer: httpx.Response, path: str) -> Any:
    """The answer's JSON, which fits the description."""
    body = answer.json()
    validator(path, answer.request.method.lower(), str(answer.status_code)).validate(body)
    return body
