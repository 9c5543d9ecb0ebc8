"""What reruns are called, and whose rerun has a name."""

import pytest

from batchrun.engine.rerun_names import generation_in, next_rerun_name, rerun_name, rerun_of, words_of

KEY = "0123456789abcdef"
LONG = "n" * 255


def found(name: str) -> tuple[str, int] | None:
    return rerun_of(name, {"tile-1": "first", LONG: "long"}.get, {KEY: "by key"}.get)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("tile-1-r2", ("first", 2)),
        ("tile-1-r12", ("first", 12)),
        (rerun_name("tile-1", KEY, 3, {"tile-1-r3"}), ("by key", 3)),
        (rerun_name(LONG, KEY, 2), ("by key", 2)),
        ("tile-1", None),
        ("tile-1-r1", None),
        ("tile-2-r2", None),
        ("tile-1-rx", None),
    ],
)
def test_the_name_of_a_rerun_is_read_back(name: str, place: tuple[str, int] | None) -> None:
    assert found(name) == place


def test_names_of_reruns_count_up() -> None:
    assert next_rerun_name("tile-1-r9") == "tile-1-r10"
    assert next_rerun_name(rerun_name(LONG, KEY, 2)) == rerun_name(LONG, KEY, 3)


def test_a_planned_run_is_found_by_its_name_or_its_key() -> None:
    assert words_of("tile-1") == ("tile-1",)
    assert words_of("tile-1-r2") == ("tile-1-r2", "tile-1")
    assert KEY in words_of(rerun_name(LONG, KEY, 2))
    assert [generation_in(name) for name in ("tile-1", "tile-1-r12")] == [1, 12]
