"""Imports made only when needed, so that ``--help`` stays fast and extras stay optional."""

import re
from importlib import import_module
from importlib.metadata import requires
from importlib.util import find_spec
from typing import Any

from batchrun.cli.early_interrupts import importing
from batchrun.errors import UsageError

__all__ = ["load", "load_extra", "loop_options"]

DISTRIBUTION = "batchrun-wherobots"


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
        if (error.name or "").partition(".")[0] == "batchrun":  # a bug of ours, not a missing extra
            raise
        fact = f"requires the package {error.name}, which is not installed"
        raise UsageError(
            wanted_by, fact, f"pip install {' '.join(_packages_of(extra) or [error.name or extra])}"
        ) from None


def _packages_of(extra: str) -> list[str]:
    """The packages that an extra of this distribution adds.

    They are named themselves: the package index has another author's batchrun, so no extra of that name must be asked for.
    """
    requirements = requires(DISTRIBUTION) or []
    wanted = [one for one in requirements if re.search(rf"extra == ['\"]{extra}['\"]", one)]
    names = [re.match(r"[\w.-]+", one) for one in wanted]
    return [name[0] for name in names if name is not None and name[0] != DISTRIBUTION]


def loop_options() -> dict[str, bool]:
    """Backend options for ``anyio.run``: use uvloop where it is installed."""
    return {"use_uvloop": find_spec("uvloop") is not None}
