"""Turn replies into answers, pages and views. The service is not trusted: what is kept of a reply is masked and clipped."""

import re
from collections.abc import Callable
from itertools import permutations
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from batchrun.errors import ApiError, Trouble
from batchrun.redaction import MASK, Secrets
from batchrun.wherobots.answers import Answer, Created, Refused, Unreadable
from batchrun.wherobots.clock import ServerClock
from batchrun.wherobots.rate_headers import rate_hint
from batchrun.wherobots.retry_after import retry_after_s
from batchrun.wherobots.summaries import AppSummary, RunSummary, RunSummaryPage, is_usable_id
from batchrun.wherobots.transport import Reply

__all__ = ["ReplyReader"]

LONGEST = {"code": 128, "message": 2_000, "field": 256, "suggestion": 1_000}
"""Characters of an error that are kept; the ledger keeps them for each run that fails."""
LONGEST_REASON = 1_000
MOST_STATUSES = 100
LONGEST_WORD = 128
"""For statuses, times and the like, which are short words."""
LONGEST_CURSOR = 4_096
"""A cursor becomes part of a URL, and servers refuse longer ones."""
MOST_RUNS = 10**9
"""A ``total`` above this is not trusted, because bounds are computed from it."""
NOT_PARSED = (ValueError, RecursionError)
"""ValueError is the base of msgspec's, pydantic's and Unicode errors; the other one comes from deeply nested JSON."""

T = TypeVar("T")


class _ErrorItem(msgspec.Struct):
    """One error of an error body, read leniently: any field may be missing."""

    code: str | None = None
    message: str | None = None
    field: str | None = None
    suggestion: str | None = None


class _ErrorBody(msgspec.Struct):
    """The API's own error body, or what gateways and frameworks send: a ``message`` or a ``detail``."""

    errors: list[_ErrorItem] = []
    message: Any = None
    detail: Any = None

    def first(self) -> _ErrorItem:
        if self.errors:
            return self.errors[0]
        texts = (text for text in (self.message, self.detail) if isinstance(text, str) and text)
        return _ErrorItem(message=next(texts, None))


# Decoders are built once; building one costs more than a decode.
_read_summary = msgspec.json.Decoder(RunSummary).decode
_read_app = msgspec.json.Decoder(AppSummary | None).decode
_read_page = msgspec.json.Decoder(RunSummaryPage).decode
_read_error_body = msgspec.json.Decoder(_ErrorBody).decode


class ReplyReader:
    """Reads the replies of one service."""

    def __init__(self, secrets: Secrets, clock: ServerClock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._plain_statuses: set[str] = set()
        """Statuses seen in which nothing is to be masked: the same few come with every answer."""

    def answer(self, reply: Reply) -> Answer:
        """What a reply to ``POST /runs`` says. Never raises."""
        if not reply.is_success:
            return self.refused(reply)
        hint = rate_hint(reply.headers, now=self._clock.now())
        if reply.broken is not None:
            prefix = "" if reply.is_late else "the body cannot be read: "
            return Unreadable(reply.status, self.reason(f"{prefix}{reply.broken}"))
        try:
            run = _read_summary(reply.body)
        except NOT_PARSED as error:
            return Unreadable(reply.status, self.reason(f"the body cannot be parsed: {_words(error)}"))
        if not self.is_usable(run.id):
            return Unreadable(reply.status, f"the body has an unusable id, {self._secrets.clean(run.id, 40)!r}")
        return Created(run.id, self._status(run.status), hint, run.create_time)

    def refused(self, reply: Reply) -> Refused:
        """What a reply that is no 2xx says. Never raises."""
        now = self._clock.now()
        wait_s = retry_after_s(reply.headers.get("Retry-After"), now=now)
        return Refused(self._trouble(reply), wait_s, rate_hint(reply.headers, now=now))

    def page(self, content: bytes, place: str) -> RunSummaryPage:
        """A page of a list. Names stay as they are: they are compared, and may contain values of the plan's environment.

        Raises:
            ApiError: it cannot be parsed, or not continued.

        """
        page = self.parsed(_read_page, content, place)
        if page.next_page is not None and len(page.next_page) > LONGEST_CURSOR:
            raise ApiError(place, f"the response has a page cursor of {len(page.next_page):,} characters")
        is_absurd = page.total is not None and not 0 <= page.total <= MOST_RUNS
        return RunSummaryPage(
            items=[self._cleaned(run) for run in page.items],
            total=None if is_absurd else page.total,
            next_page=page.next_page,
        )

    def summary(self, content: bytes, place: str) -> RunSummary:
        """One run.

        Raises:
            ApiError: it cannot be parsed.

        """
        return self._cleaned(self.parsed(_read_summary, content, place))

    def app(self, run: RunSummary) -> AppSummary | None:
        """The application that executes a run; None if there is none, or it cannot be parsed."""
        try:
            app = _read_app(run.kube_app) if run.kube_app else None
        except NOT_PARSED:
            return None
        if app is None:
            return None
        is_usable = app.id is not None and self.is_usable(app.id)
        events = [msgspec.structs.replace(event, **self._said(event)) for event in app.events]
        return AppSummary(id=app.id if is_usable else None, events=events, message=self._said(app)["message"])

    def view(self, read: Callable[[bytes], T], content: bytes, place: str) -> T:
        """Any other response, with every secret in it masked.

        Raises:
            ApiError: it cannot be parsed.

        """
        tree = self.parsed(msgspec.json.decode, content, place)
        cleaned = self._secrets.clean_tree(tree)
        return self.parsed(read, content if cleaned == tree else msgspec.json.encode(cleaned), place)

    def parsed(self, read: Callable[[bytes], T], content: bytes, place: str) -> T:
        """What ``read`` makes of a response.

        Raises:
            ApiError: it cannot be parsed.

        """
        try:
            return read(content)
        except NOT_PARSED as error:
            fact = self.reason(f"the response cannot be parsed: {_words(error)}")
            raise ApiError(place, fact, is_unreadable=True) from None

    def reason(self, text: str) -> str:
        """A text that explains why something failed, as it may be kept."""
        return self._secrets.clean(text, LONGEST_REASON)

    def is_usable(self, an_id: str) -> bool:
        """Whether an id can be kept and asked for; the API key, quoted as an id, cannot."""
        return is_usable_id(an_id) and self._secrets.without_credentials(an_id) == an_id

    def _trouble(self, reply: Reply) -> Trouble:
        """The status with the first error of the body; only the status if the body is not the API's own."""
        try:
            first = _read_error_body(reply.body).first()
        except NOT_PARSED:
            first = _NO_ERROR
        said = self._said(first)
        if said["message"] is None and (target := _redirect_target(reply)) is not None:
            said["message"] = self.reason(f"it redirects to {target}")
            said["suggestion"] = _redirect_fix(target)
        return Trouble(status=reply.status, **said)

    def _said(self, source: object) -> dict[str, str | None]:
        """The code, the message and the like of an error or an event, those that it has."""
        said = {name: getattr(source, name, None) for name in LONGEST if hasattr(source, name)}
        cleaned = {name: text and self._secrets.clean(text, LONGEST[name]) for name, text in said.items()}
        texts = [text for text in cleaned.values() if text]
        if any(self._secrets.are_in("".join(order)) for order in permutations(texts)):  # split over several of them
            return {name: text and MASK for name, text in cleaned.items()}
        return cleaned

    def _cleaned(self, run: RunSummary) -> RunSummary:
        # One look at all of them: a page has hundreds of runs, and hardly ever anything to hide.
        all_words = " ".join(filter(None, _words_of(run)))  # a line break would have to be looked at as an escape
        if len(all_words) <= LONGEST_WORD and self._secrets.hidden(all_words) == all_words:
            return run
        cleaned = {name: self._word(word) for name, word in zip(_WORDS, _words_of(run), strict=True)}
        return msgspec.structs.replace(run, **cleaned)

    def _word(self, text: str | None) -> str | None:
        return None if text is None else self._secrets.clean(text, LONGEST_WORD)

    def _status(self, text: str | None) -> str | None:
        if text is None or text in self._plain_statuses:
            return text
        cleaned = self._word(text)
        if cleaned == text and len(self._plain_statuses) < MOST_STATUSES:
            self._plain_statuses.add(text)
        return cleaned


_NO_ERROR = _ErrorItem()
_WORDS = ("status", "create_time", "update_time", "start_time", "complete_time")
_words_of: Callable[[RunSummary], tuple[str | None, ...]] = attrgetter(*_WORDS)


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):  # its own text has many lines, and the values too
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return (str(error) or type(error).__name__).splitlines()[0]


def _redirect_target(reply: Reply) -> str | None:
    return reply.headers.get("Location") if 300 <= reply.status < 400 else None  # noqa: PLR2004 - 3xx


def _redirect_fix(target: str) -> str:
    """A base URL that moved redirects to the same call; a login page does not."""
    if re.fullmatch(r"[^?#]*/(runs|organization)(/[^?#]*)?([?#].*)?", target, re.DOTALL):
        return "set the base URL that it redirects to; redirects are not followed"
    return "check the base URL; a proxy or login page answers"
