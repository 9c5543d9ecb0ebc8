import pytest

from batchrun.errors import SettingsError
from batchrun.wherobots.settings import DEFAULT_BASE_URL, ApiSettings, checked_base_url, is_same_service

KEY = {"WHEROBOTS_API_KEY": "k-0123456789"}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com/v1/",
        "http://127.0.0.1:8080",
        "http://[::1]:1",
        "http://localhost",
    ],
)
def test_https_and_loopback_are_accepted(url: str) -> None:
    assert checked_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "api.example.com",
        "https://",
        "https://user:secret@api.example.com",
        "https://api.example.com?key=1",
        "https://api.example.com:notaport",
    ],
)
def test_any_other_base_url_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        checked_base_url(url)
    assert "secret" not in str(refused.value)


def test_the_environment_names_the_service() -> None:
    assert ApiSettings.from_environment(KEY).base_url == DEFAULT_BASE_URL
    both = KEY | {"WHEROBOTS_API_BASE_URL": "https://a.example", "WHEROBOTS_API_URL": "https://b.example"}
    assert ApiSettings.from_environment(both).base_url == "https://a.example"
    assert ApiSettings.from_environment(both, base_url="https://c.example").base_url == "https://c.example"
    assert ApiSettings.from_environment(KEY | {"WHEROBOTS_REQUEST_TIMEOUT_SECONDS": "7.5"}).timeout_s == 7.5


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WHEROBOTS_API_KEY": "  "},
        {"WHEROBOTS_API_KEY": "two words"},
        {"WHEROBOTS_API_KEY": "line\nbreak"},
        KEY | {"WHEROBOTS_REQUEST_TIMEOUT_SECONDS": "soon"},
        KEY | {"WHEROBOTS_REQUEST_TIMEOUT_SECONDS": "-1"},
        KEY | {"WHEROBOTS_REQUEST_TIMEOUT_SECONDS": "nan"},
    ],
)
def test_unusable_settings_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        ApiSettings.from_environment(environ)


def test_the_key_is_never_shown() -> None:
    settings = ApiSettings.from_environment(KEY)
    assert KEY["WHEROBOTS_API_KEY"] not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("http://localhost:8080", "http://127.0.0.1:8080", True),
        ("http://[::1]:8080", "http://localhost:8080/", True),
        ("https://api.example.com", "https://API.example.com:443/", True),
        ("https://api.example.com/v1", "https://api.example.com/v2", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("http://127.0.0.1:8080", "https://127.0.0.1:8080", False),
        ("http://127.0.0.2:8080", "http://127.0.0.1:8080", False),
        ("emulator", "emulator", True),
        ("emulator", "http://localhost", False),
        ("http://[::1", "http://[::1", True),
        ("http://[::1", "http://[::2", False),
    ],
)
def test_this_machine_is_one_service_under_each_of_its_names(one: str, other: str, is_same: bool) -> None:
    assert is_same_service(one, other) is is_same_service(other, one) is is_same
