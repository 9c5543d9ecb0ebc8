"""Enumerations accept values that the service adds later."""

import pytest

from batchrun.wherobots.enums import AppStatus, ErrorClass, OpenEnum, RunStatus, RuntimeId


@pytest.mark.parametrize("kind", [RunStatus, RuntimeId, ErrorClass, AppStatus])
def test_an_unknown_value_is_kept_as_it_is(kind: type[OpenEnum]) -> None:
    value = kind("NEW_VALUE")
    assert isinstance(value, kind)
    assert (value, value.value, value.name, str(value)) == ("NEW_VALUE",) * 4
    assert not value.is_known
    assert value not in list(kind)


def test_known_values_are_known() -> None:
    assert all(value.is_known for kind in (RunStatus, RuntimeId, ErrorClass) for value in kind)
    assert RunStatus("PENDING") is RunStatus.PENDING


@pytest.mark.parametrize("value", [None, 7, b"PENDING"])
def test_anything_but_text_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        RunStatus(value)  # type: ignore[arg-type] # the wire may contain anything


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        ("PENDING", False),
        ("RUNNING", False),
        ("FAILED", True),
        ("COMPLETED", True),
        ("CANCELLED", True),
        ("TIMED_OUT", True),
        ("HIBERNATING", False),
    ],
)
def test_only_known_endings_are_final(status: str, is_final: bool) -> None:
    assert RunStatus(status).is_final is is_final


def test_there_are_29_runtimes_with_upper_case_aliases_for_six() -> None:
    assert len(RuntimeId) == 29
    assert [value for value in RuntimeId if value.isupper()] == [
        "TINY",
        "SMALL",
        "MEDIUM",
        "LARGE",
        "XLARGE",
        "XXLARGE",
    ]
