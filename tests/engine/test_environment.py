"""What the ledger keeps of environment values, and what counts as changed."""

from hashlib import sha256

import msgspec
import pytest

from batchrun.engine.environment import changed_values, value_digest, values_used
from batchrun.ledger.events import BatchEvent, FileDigest, ValueDigest, event_line, read_event


def batch(*digests: ValueDigest, files: tuple[FileDigest, ...] = ()) -> BatchEvent:
    return BatchEvent(
        at="2026-11-01T00:00:00.000Z",
        format=1,
        batch_id="b",
        name="n",
        runs=1,
        plan_sha256="",
        base_url="u",
        batchrun="0.2.0",
        environment=list(digests),
        files=list(files),
    )


def test_the_same_value_is_recognised_and_another_one_is_not() -> None:
    kept = read_event(event_line(batch(value_digest("TOKEN", "one"), value_digest("OTHER", "two"))))
    assert isinstance(kept, BatchEvent)
    assert changed_values({"TOKEN": "one", "OTHER": "two"}, kept) == ()
    assert changed_values({"TOKEN": "one!", "OTHER": "two"}, kept) == ("TOKEN",)


def test_equal_values_have_different_digests() -> None:
    first, second = value_digest("A", "same"), value_digest("A", "same")
    assert (first.salt, first.scrypt) != (second.salt, second.scrypt)
    assert sha256(b"same").hexdigest() not in str(msgspec.to_builtins(first))


def test_a_value_without_a_digest_counts_as_changed() -> None:
    assert changed_values({"TOKEN": "one"}, batch()) == ("TOKEN",)
    assert changed_values({}, batch(value_digest("TOKEN", "one"))) == ()


@pytest.mark.parametrize(("salt", "digest"), [("zz", "00"), ("00", "é"), ("", "")])
def test_a_digest_that_nobody_made_counts_as_changed(salt: str, digest: str) -> None:
    assert changed_values({"TOKEN": "one"}, batch(ValueDigest(name="TOKEN", salt=salt, scrypt=digest))) == ("TOKEN",)


def test_ledgers_of_version_0_1_are_still_understood() -> None:
    old = batch(files=(FileDigest("env.TOKEN", sha256(b"one").hexdigest()),))
    assert changed_values({"TOKEN": "one"}, old) == ()
    assert changed_values({"TOKEN": "two"}, old) == ("TOKEN",)


def test_the_values_of_today_are_known_by_their_names() -> None:
    known = batch(value_digest("TOKEN", "one"), files=(FileDigest("env.OLD", "x"), FileDigest("tiles.csv", "y")))
    assert values_used(known, {"TOKEN": "1", "OLD": "2", "OTHER": "3", "tiles.csv": "4"}) == ("1", "2")
