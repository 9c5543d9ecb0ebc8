"""No version that pyproject.toml admits, and none that is installed, has one of the advisories listed here.

The list is kept by hand and holds what was known in November 2026. It needs no network, and learns of nothing by itself:
``make audit`` asks the advisory database, where it can be reached.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
FIXED = {
    "aiohttp": (
        "3.14.3",
        "CVE-2026-69243 and CVE-2026-69244: a malformed response is read beyond its buffer; before that CVE-2025-69223 and others",
    ),
    "certifi": ("2024.7.4", "CVE-2024-39689: an authority that is no longer trusted"),
    "cryptography": ("50", "CVE-2026-69247: an oracle for PKCS#7 decryption"),
    "h11": ("0.16", "CVE-2025-43859: malformed chunks are accepted"),
    "idna": ("3.15", "CVE-2026-45409: encoding takes quadratic time"),
    "jinja2": ("3.1.6", "CVE-2025-27516: out of the sandbox"),
    "pyarrow": ("14.0.1", "CVE-2023-47248: code in a file is run"),
    "pydantic": ("2.4", "CVE-2024-3772: a regular expression that backtracks"),
    "pygments": ("2.20", "CVE-2026-4539: a regular expression that backtracks"),
    "starlette": ("1.3.1", "CVE-2026-54283 and CVE-2026-48818, before that CVE-2025-62727 and others"),
}
"""The lowest version without a known advisory (November 2026), and the latest ones below it."""


def bounds() -> Iterator[tuple[str, str]]:
    """Each dependency that users can get, with its lowest version."""
    extras = PROJECT["optional-dependencies"]
    for text in [*PROJECT["dependencies"], *(one for name in ("parquet", "emulator", "tls") for one in extras[name])]:
        requirement = Requirement(text)
        lowest = re.search(r">=([^,]+)", str(requirement.specifier))
        if lowest is not None:
            yield requirement.name, lowest[1]


@pytest.mark.parametrize("package", FIXED)
def test_the_lowest_version_has_no_known_advisory(package: str) -> None:
    found = dict(bounds())
    assert package in found
    assert Version(found[package]) >= Version(FIXED[package][0]), FIXED[package][1]


@pytest.mark.parametrize("package", FIXED)
def test_the_installed_version_has_no_known_advisory(package: str) -> None:
    assert Version(version(package)) >= Version(FIXED[package][0]), FIXED[package][1]


def test_every_dependency_has_a_lowest_version() -> None:
    names = {Requirement(text).name for text in PROJECT["dependencies"]} - {"typing-extensions"}
    assert names <= {name for name, _ in bounds()}
