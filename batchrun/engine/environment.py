"""Environment values that a plan sends: what the ledger stores about them, and whether they have changed.

They are tokens and passwords as often as not, and a ledger is copied and shared. A plain hash of a short value can be
guessed; scrypt (RFC 7914) with a salt makes each guess as slow as a login.
"""

import secrets
from collections.abc import Mapping
from functools import lru_cache
from hashlib import scrypt, sha256
from hmac import compare_digest

from batchrun.ledger.events import BatchEvent, ValueDigest

__all__ = ["changed_values", "value_digest", "values_used"]

COST, BLOCK, LANES = 1 << 14, 8, 1
"""N, r and p: about 40 ms and 16 MiB a value, the interactive setting of RFC 7914's authors. A submission checks each value,
also on small machines, and OpenSSL refuses more than 32 MiB unless asked."""
SALT_BYTES, DIGEST_BYTES = 16, 32


def value_digest(name: str, value: str) -> ValueDigest:
    """What the ledger keeps of a value. Takes about 40 ms."""
    salt = secrets.token_hex(SALT_BYTES)
    return ValueDigest(name=name, salt=salt, scrypt=_scrypt(value, salt))


def changed_values(environment: Mapping[str, str], batch: BatchEvent) -> tuple[str, ...]:
    """The names whose values differ from those sent with the batch, or are not in its ledger."""
    kept = {digest.name: digest for digest in batch.environment}
    # Version 0.1 kept a plain SHA-256 among the files.
    plain = {file.path.removeprefix("env."): file.sha256 for file in batch.files if file.path.startswith("env.")}
    return tuple(
        name for name, value in environment.items() if not _is_same(value, kept.get(name), plain.get(name, ""))
    )


def values_used(batch: BatchEvent, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the environment holds today under the names that a batch used: a service may quote it."""
    old = (file.path.removeprefix("env.") for file in batch.files if file.path.startswith("env."))
    names = (*(digest.name for digest in batch.environment), *old)
    return tuple(environ[name] for name in names if name in environ)


def _is_same(value: str, digest: ValueDigest | None, plain: str) -> bool:
    if digest is None:
        return compare_digest(sha256(value.encode()).hexdigest().encode(), plain.encode())
    try:
        return compare_digest(_scrypt(value, digest.salt).encode(), digest.scrypt.encode())
    except ValueError:  # a salt that is not hex
        return False


@lru_cache(maxsize=256)  # a submission asks more than once
def _scrypt(value: str, salt: str) -> str:
    data = bytes.fromhex(salt)
    return scrypt(value.encode(), salt=data, n=COST, r=BLOCK, p=LANES, dklen=DIGEST_BYTES).hex()
