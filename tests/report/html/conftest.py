"""Pages of all kinds of batches, each made once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from batchrun.report.html.write import make_report, write_report
from tests.report.batches import BATCHES

MADE_S = 1_795_600_000.0


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of the batch of this name, as a file."""

    @cache
    def page(name: str) -> Path:
        directory = tmp_path_factory.mktemp("report")
        write_report(make_report(BATCHES[name](directory), now=lambda: MADE_S), directory / "report.html")
        return directory / "report.html"

    return page
