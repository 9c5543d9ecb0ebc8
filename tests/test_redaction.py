"""Secrets are masked in any escaping, and nothing else is."""

import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchrun.redaction import MASK, Secrets, clipped, credentials_of, proxy_secrets

KEY = "wbk-0123/4567+89é=😀"
SECRETS = Secrets([KEY])


def escaped_fully(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        json.dumps(json.dumps(KEY))[3:-3],
        json.dumps(KEY).replace("/", "\\/")[1:-1],
        escaped_fully(KEY),
        escaped_fully(KEY).replace("\\", "\\\\"),
        quote(KEY),
        quote(KEY, safe=""),
        quote(quote(KEY, safe=""), safe=""),
        quote(json.dumps(KEY), safe="")[3:-3],
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        "".join(f"&#{ord(one)};" for one in KEY),
        "".join(f"&#x{ord(one):x};" for one in KEY),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        "\u200b".join(KEY),
        "\x00".join(KEY),
        "".join(f"\\u{{{ord(one):x}}}" for one in KEY),
        "".join(f"={byte:02X}" for byte in KEY.encode()),
    ],
)
def test_a_secret_is_masked_in_any_escaping(form: str) -> None:
    assert SECRETS.hidden(f"it said {form}, so") == f"it said {MASK}, so"
    assert MASK in SECRETS.hidden(form * 3)
    assert "0123" not in SECRETS.hidden(form * 3)


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_is_masked_within_base64(before: str, after: str, encode: Callable[[bytes], bytes]) -> None:
    secret = "wbk-0?>~~~?>789"
    text = encode((before + secret + after).encode()).decode()
    masked = Secrets([secret]).hidden(text)
    assert MASK in masked
    assert len(masked.replace(MASK, "")) <= len(before + after) * 4 / 3 + 6  # what depends on the neighbours remains


ASCII_KEY = "wbk-0123456789"


@pytest.mark.parametrize(
    "form",
    [
        "".join(f"\\{ord(one):03o}" for one in ASCII_KEY),
        "".join(chr(ord(one) + 0xFEE0) for one in ASCII_KEY),
        "".join(f"\\x{ord(one):02x}" for one in ASCII_KEY),
        ASCII_KEY.upper(),
        ASCII_KEY.title(),
    ],
)
def test_a_secret_of_ascii_is_masked_in_escapes_of_bytes(form: str) -> None:
    assert Secrets([ASCII_KEY]).hidden(f"it said {form}, so") == f"it said {MASK}, so"


@given(st.text(st.sampled_from("\\u{}x0=%&#;41aA\u200b\uff21İ"), max_size=30))
def test_what_only_looks_like_an_escape_is_left_alone(text: str) -> None:
    assert Secrets([ASCII_KEY]).hidden(text) == text


@pytest.mark.parametrize("secret", ["a=10&b=20é", "%41%42%43%44%45%46%47é", "&amp;12345678é", "zero\u200bwidthé"])
def test_a_secret_that_contains_escapes_is_masked_in_others(secret: str) -> None:
    secrets = Secrets([secret])
    assert secrets.hidden(f"it said {json.dumps(secret)[1:-1]}, so") == f"it said {MASK}, so"
    assert secrets.hidden(f"it said {secret}, so") == f"it said {MASK}, so"


def test_secrets_that_contain_each_other_leave_nothing() -> None:
    secrets = Secrets(["abcdefgh", "abcdefghijkl"])
    assert secrets.hidden("abcdefghijkl abcdefgh") == f"{MASK} {MASK}"


def test_a_short_key_is_masked_as_a_word() -> None:
    secrets = Secrets(["test"])
    assert secrets.hidden("the key test is in latest/test.") == f"the key {MASK} is in latest/{MASK}."


def test_values_of_a_plan_are_masked_in_outside_text_only() -> None:
    secrets = Secrets(["wbk-0123456789"])
    secrets.add_values(["aws-us-west-2", "short"])
    assert secrets.hidden("wbk-0123456789 in aws-us-west-2, short") == f"{MASK} in {MASK}, short"
    assert secrets.without_credentials("wbk-0123456789 in aws-us-west-2") == f"{MASK} in aws-us-west-2"


def test_a_secret_that_is_cut_by_clipping_leaves_no_part() -> None:
    secrets = Secrets([KEY])
    for pad in range(90, 101):
        assert "wbk" not in secrets.clean("x" * pad + KEY, 100)[:100].replace("x", "")


def test_endless_text_is_clipped_quickly() -> None:
    began_s = time.process_time()
    kept = SECRETS.clean("\\u0077" * 1_000_000, 1_000)
    assert kept.endswith("... (6,000,000 characters)")
    assert len(kept) < 1_100
    assert time.process_time() - began_s < 2


@pytest.mark.parametrize("text", ["\\" * 60_000, "&#" * 30_000, "%" * 60_000, "://" * 20_000 + "@", "\\u" * 30_000])
def test_masking_does_not_backtrack(text: str) -> None:
    began_s = time.process_time()
    SECRETS.hidden(text)
    assert time.process_time() - began_s < 2


@given(st.text(max_size=80))
@example("\\ud83d")
@example("%ff%")
@example("\\\\\\")
def test_text_without_a_secret_stays_as_it_is(text: str) -> None:
    if "://" not in text:
        assert SECRETS.hidden(text) == text


@given(st.text(min_size=8, max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_no_json_text_shows_a_secret(secret: str, before: str, after: str) -> None:
    secrets = Secrets([secret])
    for ascii_only in (True, False):
        text = secrets.hidden(json.dumps(before + secret + after, ensure_ascii=ascii_only))
        assert secret not in text
        if secret not in before + after + MASK and not set(secret) & set(MASK):
            assert MASK in text


def test_the_user_info_of_any_url_is_masked() -> None:
    assert (
        SECRETS.hidden("cannot connect to http://me:pw@proxy:3128/x") == f"cannot connect to http://{MASK}@proxy:3128/x"
    )


def test_credentials_of_an_environment() -> None:
    environ = {"WHEROBOTS_API_KEY": " wbk-1 ", "HTTPS_PROXY": "http://me:p%40ss@proxy:1", "no_proxy": "localhost"}
    assert credentials_of(environ) == ("wbk-1", "p%40ss", "p@ss", b64encode(b"me:p@ss").decode())


@pytest.mark.parametrize("url", ["http://proxy:3128", "proxy", "", "http://me@proxy", "http://me:@proxy"])
def test_a_proxy_without_a_password_has_no_secret(url: str) -> None:
    assert proxy_secrets(url) == ()


def test_clipping_says_how_long_the_text_was() -> None:
    assert clipped("short", 10) == "short"
    assert clipped("x" * 2_000, 5) == "xxxxx... (2,000 characters)"


def test_repr_shows_nothing() -> None:
    assert "wbk" not in repr(SECRETS)
