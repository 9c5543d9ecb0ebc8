"""What all tests share: the backend, and an environment without the developer's own settings."""

import os

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # a busy machine makes no example wrong
settings.load_profile("patient")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, region, proxy or certificate of whoever runs the tests gets into them."""
    for name in list(os.environ):
        if name.startswith(("WHEROBOTS_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
