"""Imports made only when needed, so that ``--help`` stays fast and extras stay optional."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from batchrun.cli.early_interrupts import importing
from batchrun.cli.open_files import allow_open_files
from batchrun.extras import missing_extra

__all__ = ["load", "load_extra", "loop_options"]


def load(name: str) -> Any:  # noqa: ANN401 - any object
    """The object at ``module:attribute``."""
    module, _, attribute = name.partition(":")
    with importing():
        return getattr(import_module(module), attribute)


def load_extra(name: str, *, extra: str, wanted_by: str) -> Any:  # noqa: ANN401 - any object
    """The object at ``module:attribute``, in a package that needs an extra.

    Raises:
        UsageError: the extra is not installed; the message says how to install it.

    """
    try:
        return load(name)
    except ModuleNotFoundError as error:
        raise missing_extra(error, extra=extra, wanted_by=wanted_by) from None


def loop_options() -> dict[str, bool]:
    """Backend options for ``anyio.run``: use uvloop where it is installed.

    Raises:
        UsageError: this process may open too few files to work with.

    """
    allow_open_files()
    return {"use_uvloop": find_spec("uvloop") is not None}
