"""Convert a setting's value for the payload, and refuse invalid values."""

from typing import Any

from batchrun.sweep.manifest.durations import DURATION_FIX, seconds_of
from batchrun.sweep.manifest.problems import Cursor, did_you_mean
from batchrun.sweep.render.context import PointError
from batchrun.sweep.values import as_toml, text_of
from batchrun.wherobots.enums import RuntimeId

__all__ = ["as_disk", "as_region", "as_runtime", "as_text", "as_timeout", "check_script"]

RUNTIMES = [runtime.value for runtime in RuntimeId]


def as_text(value: Any, at: Cursor) -> str:
    del at
    return text_of(value)


def as_region(value: Any, at: Cursor) -> str:
    text = text_of(value)
    if not text.strip():
        raise PointError(at, "the region is empty", "set one, such as aws-us-west-2")
    return text


def as_runtime(value: Any, at: Cursor) -> str:
    text = text_of(value)
    if text not in RUNTIMES:
        raise PointError(at, f"'{text}' is not a runtime", did_you_mean(text, RUNTIMES))
    return text


def as_timeout(value: Any, at: Cursor) -> int:
    seconds = seconds_of(value)
    # The service takes whole seconds; rounding would change what the author asked for.
    if seconds is None or seconds < 1 or not seconds.is_integer():
        raise PointError(at, f"{as_toml(value)} is not a timeout of a second or more", DURATION_FIX)
    return int(seconds)


def as_disk(value: Any, at: Cursor) -> int:
    # isdigit() alone also accepts digits such as ² that int() refuses.
    size = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise PointError(at, f"{as_toml(value)} is not a size in GB", "use a whole number, 1 or more")
    return size


def check_script(uri: str, at: Cursor) -> None:
    """Report a script without a URI or path."""
    if not uri.strip():
        at.add("the script's URI is empty", "use an s3:// URI, or the path of a local file")
