"""Mask secrets in text: the API key, a proxy's password, and environment values of a plan.

Text from outside is masked where it enters, after it was decoded (``RunsClient``). The ledger and the terminal mask
credentials once more on the way out, so that a path that was forgotten still shows nothing.
"""

import html
import os
import re
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping
from string import ascii_lowercase, ascii_uppercase
from typing import Any
from urllib.parse import unquote

from typing_extensions import override

from batchrun.inert import UNSEEN

__all__ = ["LEAST_LENGTH", "MASK", "Secrets", "clipped", "credentials_of"]

MASK = "********"
LEAST_LENGTH = 8
"""Shorter secrets are masked as whole words only: ``test`` is part of too many other words. Real keys are far longer."""
LONGEST_READ = 65_536
"""Characters of a text that are looked at; what lies behind them is dropped, since no text that is kept is longer."""
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY")
LEVELS = 4
"""How often an escape may be escaped again: a gateway quotes JSON in JSON, and a URL in that."""

_ESCAPES = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    r"|\\u[0-9a-fA-F]{4}"
    r"|\\x[0-9a-fA-F]{2}"
    r"|\\[\"\\/nrtfb]"
    r"|(?:%[0-9a-fA-F]{2})+"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);"
)
_ODD_ESCAPES = (
    r"\\u\{[0-9a-fA-F]{1,6}\}"
    r"|\\[0-3][0-7]{2}"
    r"|(?:=[0-9a-fA-F]{2})+"  # quoted-printable
    "|[\uff01-\uff5e]"  # full-width forms
    f"|{UNSEEN}"  # between the characters of a secret
)
_ESCAPE = re.compile(_ESCAPES)
_ODD_ESCAPE = re.compile(_ODD_ESCAPES)
_ANY_ESCAPE = re.compile(f"{_ESCAPES}|{_ODD_ESCAPES}")
"""Looked for in a second pass: a value of the environment may contain an equals sign, and characters that are not shown."""
_USER_INFO = re.compile(r"(?<=://)[^/\s@\"']{1,512}@")
_OCTAL = re.compile(r"\\[0-3][0-7]{2}")
_WIDE = 0xFEE0
"""How far a full-width form is from its ASCII character."""
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
"""Unlike ``lower``, it never changes how long a text is."""
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b"}


class Secrets:
    """Masks secrets in text, also where they are escaped as in JSON, URLs, HTML or base64."""

    __slots__ = ("_all", "_credentials", "_secrets")

    def __init__(self, credentials: Iterable[str] = ()) -> None:
        self._secrets = set(credentials)
        self._credentials = self._all = _forms(self._secrets)

    @override
    def __repr__(self) -> str:
        return f"<Secrets, {len(self._secrets)} of them>"

    def add_values(self, values: Iterable[str]) -> None:
        """Mask these as well, in text from outside: values of the environment that a plan used."""
        self._secrets.update(value for value in values if len(value) >= LEAST_LENGTH)
        self._all = _forms(self._secrets)

    def hidden(self, text: str) -> str:
        """The text with everything secret masked. For text from outside, such as a service's message."""
        return _masked(text, self._all)

    def without_credentials(self, text: str) -> str:
        """The text with the API key and passwords masked, and nothing else: names may contain values of a plan."""
        return _masked(text, self._credentials)

    def are_in(self, text: str) -> bool:
        """Whether a text contains one of the secrets."""
        return _masked(text, self._all, user_info=False) != text

    def clean(self, text: str, longest: int) -> str:
        """The text as it may be kept: masked first and clipped afterwards, so that no part of a secret remains."""
        if len(text) > LONGEST_READ:
            return clipped(self.hidden(text[:LONGEST_READ]), longest, of=len(text))
        return clipped(self.hidden(text), longest)

    def clean_tree(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """A JSON value with every string in it masked, names of members too.

        Raises:
            RecursionError: it is nested too deeply.

        """
        match value:
            case str():
                return self.hidden(value)
            case list():
                return [self.clean_tree(one) for one in value]
            case dict():
                return {self.hidden(key): self.clean_tree(one) for key, one in value.items()}
            case _:
                return value


def credentials_of(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The API key of an environment, and the passwords of its proxies."""
    key = environ.get("WHEROBOTS_API_KEY", "").strip()
    proxies = [value for name in PROXY_VARIABLES if "@" in (value := environ.get(name, ""))]
    return (*((key,) if key else ()), *(secret for proxy in proxies for secret in proxy_secrets(proxy)))


def proxy_secrets(url: str) -> tuple[str, ...]:
    """The password in a proxy's URL, as it is written, as it is meant, and as it is sent to the proxy."""
    user_info, _, _ = url.partition("://")[2].rpartition("@") if "://" in url else url.rpartition("@")
    user, _, password = user_info.partition(":")
    if not password:
        return ()
    plain = unquote(password)
    token = b64encode(f"{unquote(user)}:{plain}".encode()).decode()
    return tuple(dict.fromkeys((password, plain, token)))


def clipped(text: str, longest: int, *, of: int | None = None) -> str:
    """The text, cut to ``longest`` characters with a remark on how long it was; ``of`` is that length, if not its own."""
    length = len(text) if of is None else of
    return text if length <= longest else f"{text[:longest]}... ({length:,} characters)"


def _forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Each secret as it may appear, the longest first, so that no part of one remains beside the mask of another.

    Those that are not short are in lower case, since gateways change the case of what they quote.
    """
    found: dict[str, None] = {}
    for secret in secrets:
        if len(secret) < LEAST_LENGTH:
            found[secret] = None
        else:
            data = secret.encode(errors="surrogatepass")
            # What looks like an escape in the secret itself is undone together with the others.
            plain, _, _ = _unescaped(secret, [(0, 0)] * len(secret), _ESCAPE)
            forms = (secret, plain, data.hex(), *_base64_forms(data))
            found.update((_lowered(form), None) for form in forms if len(form) >= LEAST_LENGTH)
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def _base64_forms(data: bytes) -> Iterable[str]:
    """What base64 of any text around the secret contains, for each of the three ways in which it may be aligned."""
    for offset in range(3):
        whole = b64encode(b"\0" * offset + data).decode().rstrip("=")
        # The first and the last characters also depend on the neighbors.
        form = whole[(0, 2, 3)[offset] : len(whole) - (1 if (offset + len(data)) % 3 else 0)]
        yield from (form, form.replace("+", "-").replace("/", "_"))


def _masked(text: str, secrets: tuple[str, ...], *, user_info: bool = True) -> str:
    lowered = _lowered(text)
    for secret in secrets:
        # Hardly ever, and each page of a list has hundreds of texts.
        if secret in (lowered if len(secret) >= LEAST_LENGTH else text):
            text = _mask_plain(text, lowered, secret)
            lowered = _lowered(text)
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in "\\%&="):
        long = [secret for secret in secrets if len(secret) >= LEAST_LENGTH]
        text = _mask_escaped(text, long, _ESCAPE)
        if _ODD_ESCAPE.search(text):
            text = _mask_escaped(text, long, _ANY_ESCAPE)
    if user_info and "://" in text and "@" in text:
        text = _USER_INFO.sub(f"{MASK}@", text)
    return text


def _mask_plain(text: str, lowered: str, secret: str) -> str:
    if len(secret) < LEAST_LENGTH:
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    pieces, end = [], 0
    while (at := lowered.find(secret, end)) >= 0:
        pieces += [text[end:at], MASK]
        end = at + len(secret)
    return "".join((*pieces, text[end:]))


def _lowered(text: str) -> str:
    """The text with ASCII letters in lower case: as long as it was."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _mask_escaped(text: str, secrets: list[str], escape: re.Pattern[str]) -> str:
    """Search the text without its escapes, and mask what stands for the secret in the text as it is."""
    plain, spans = text, [(at, at + 1) for at in range(len(text))] if secrets else []
    hits: set[tuple[int, int]] = set()
    for _ in range(LEVELS if secrets else 0):
        plain, spans, is_changed = _unescaped(plain, spans, escape)
        if not is_changed:
            break
        lowered = _lowered(plain)
        for secret in secrets:
            at = lowered.find(secret)
            while at >= 0:
                last = at + len(secret) - 1
                hits.add((spans[at][0], spans[last][1]))
                at = lowered.find(secret, last + 1)
    for start, end in sorted(_merged(hits), reverse=True):
        text = text[:start] + MASK + text[end:]
    return text


def _unescaped(
    text: str, spans: list[tuple[int, int]], escape: re.Pattern[str]
) -> tuple[str, list[tuple[int, int]], bool]:
    """One level of escapes undone; ``spans`` says for each character which part of the first text it stands for."""
    pieces: list[str] = []
    found: list[tuple[int, int]] = []
    end = 0
    for match in escape.finditer(text):
        plain = _character(match.group())
        pieces += (text[end : match.start()], plain)
        found += spans[end : match.start()]
        found += [(spans[match.start()][0], spans[match.end() - 1][1])] * len(plain)
        end = match.end()
    if end == 0:
        return text, spans, False
    return "".join((*pieces, text[end:])), found + spans[end:], True


def _character(escape: str) -> str:
    if escape[0] == "%":
        return unquote(escape)
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "=":
        return bytes.fromhex(escape.replace("=", "")).decode(errors="replace")
    if escape[0] != "\\":
        return chr(ord(escape) - _WIDE) if _is_wide(escape) else ""
    if escape.startswith("\\u{"):
        return chr(min(int(escape[3:-1], 16), sys.maxunicode))
    if _OCTAL.fullmatch(escape):
        return chr(int(escape[1:], 8))
    if escape[1] in "ux":
        units = [int(unit, 16) for unit in re.findall("[0-9a-fA-F]+", escape.replace("\\x", "\\u"))]
        return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "replace")
    return _SHORT.get(escape[1], escape[1])


def _is_wide(character: str) -> bool:
    return "\uff01" <= character <= "\uff5e"


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
