"""What a setting's value becomes in the payload, and what is refused on the way."""

from typing import Any

from batchrun.errors import Problem
from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of
from batchrun.sweep.manifest.problems import did_you_mean
from batchrun.sweep.render.names import PointError, Scope
from batchrun.sweep.values import shown, text_of
from batchrun.wherobots.enums import RuntimeId

__all__ = ["as_disk", "as_region", "as_runtime", "as_text", "as_timeout", "checked_uri"]

RUNTIMES = [runtime.value for runtime in RuntimeId]


def as_text(value: Any, place: str) -> str:
    del place
    return text_of(value)


def as_region(value: Any, place: str) -> str:
    text = text_of(value)
    if not text.strip():
        raise PointError(Problem(place, "the region is empty", "name one, such as aws-us-west-2"))
    return text


def as_runtime(value: Any, place: str) -> str:
    text = text_of(value)
    if text not in RUNTIMES:
        raise PointError(Problem(place, f"'{text}' is no runtime", did_you_mean(text, RUNTIMES)))
    return text


def as_timeout(value: Any, place: str) -> int:
    seconds = seconds_of(value)
    if seconds is None or seconds < 1 or not seconds.is_integer():
        raise PointError(Problem(place, f"{shown(value)} is no timeout of a second or more", DURATION_FIX))
    return int(seconds)


def as_disk(value: Any, place: str) -> int:
    size = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise PointError(Problem(place, f"{shown(value)} is no size in GB", "give a whole number, 1 or more"))
    return size


def checked_uri(uri: str, place: str, scope: Scope) -> str:
    if not uri.strip():
        scope.problems.add(place, "the script's URI is empty", "give an s3:// URI")
    elif "://" not in uri and "{{" not in uri:
        scope.problems.add(place, f"'{uri}' is no URI", "upload the script and give its s3:// URI")
    return uri
