"""The error for an extra whose packages are not installed."""

import re
from importlib.metadata import requires

from batchrun.errors import UsageError

__all__ = ["missing_extra"]

DISTRIBUTION = "batchrun-wherobots"


def missing_extra(error: ModuleNotFoundError, *, extra: str, wanted_by: str) -> UsageError:
    """The error that says which package is missing and how to install the extra's packages.

    Raises:
        ModuleNotFoundError: a module of batchrun itself is missing, which is a bug and no missing package.

    """
    if (error.name or "").partition(".")[0] == "batchrun":
        raise error
    fact = f"requires the package {error.name}, which is not installed"
    return UsageError(wanted_by, fact, f"pip install {' '.join(_packages_of(extra) or [error.name or extra])}")


def _packages_of(extra: str) -> list[str]:
    """The packages that an extra of this distribution adds.

    They are named themselves: the package index has another author's batchrun, so no extra of that name must be asked for.
    """
    requirements = requires(DISTRIBUTION) or []
    wanted = [one for one in requirements if re.search(rf"extra == ['\"]{extra}['\"]", one)]
    names = [re.match(r"[\w.-]+", one) for one in wanted]
    return [name[0] for name in names if name is not None and name[0] != DISTRIBUTION]
