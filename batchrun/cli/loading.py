"""Modules loaded when they are called for, so that ``--help`` costs nothing; the one place that does so."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from batchrun.errors import UsageError

__all__ = ["load", "load_extra", "loop_options"]


def load(name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """What ``module:attribute`` names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def load_extra(name: str, *, extra: str, wanted_by: str) -> Any:  # noqa: ANN401 - whatever stands there
    """The same, of a room that needs an extra.

    Raises:
        UsageError: the extra is not installed; says how to.

    """
    try:
        return load(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "batchrun":
            raise
        fix = f"pip install 'batchrun[{extra}]'"
        raise UsageError(wanted_by, f"it needs the package {error.name}, which is not installed", fix) from None


def loop_options() -> dict[str, bool]:
    """For ``anyio.run``: uvloop where it is installed."""
    return {"use_uvloop": find_spec("uvloop") is not None}
