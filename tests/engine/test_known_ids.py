"""An id is one run's: whoever has it first keeps it."""

from batchrun.engine.listing.known_ids import KnownIds


def known(*earlier: tuple[str, str]) -> KnownIds:
    ids = KnownIds(lambda: earlier, {"foreign"})
    ids.load()
    return ids


def test_an_id_of_this_session_keeps_its_key() -> None:
    ids = known()
    assert ids.add("r1", "first") is None
    assert ids.add("r1", "first") is None
    assert ids.add("r1", "second") == "first"
    assert ids.holder("r1") == "first"


def test_an_id_of_an_earlier_session_keeps_its_key() -> None:
    ids = known(("r1", "first"))
    assert ids.add("r1", "second") == "first"
    assert ids.add("r1", "second") == "first"
    assert ids.holder("r1") == "first"
    assert ids.add("r1", "first") is None
    assert ids.is_taken("r1")
    assert not ids.is_taken("r2")
    assert ids.is_taken("foreign")
