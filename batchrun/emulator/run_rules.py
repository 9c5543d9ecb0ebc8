"""Rules that make some runs fail or take longer, by arguments, runtime and region."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from typing_extensions import override

from batchrun.emulator.setting_types import Seconds, Settings, Share

__all__ = ["DurationRule", "DurationRules", "FailRule", "FailRules", "RunTraits"]

DEFAULT_CODE = "RUN_FAIL_EXEC"
DEFAULT_MESSAGE = "The application exited with code 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTraits:
    """What rules can see of a run."""

    runtime: str = ""
    region: str = ""
    args: Sequence[str] = ()


class Selection(Settings):
    """The runs that a rule applies to: those that match everything it names."""

    where: str = ""  # arguments, written as in a shell: "--region us --year 202*"
    runtime: str | None = None
    region: str | None = None

    @field_validator("where")
    @classmethod
    def _can_be_split(cls, where: str) -> str:
        try:
            shlex.split(where)
        except ValueError as error:
            raise ValueError(f"{where!r} cannot be split into arguments: {error}") from None
        return where

    @model_validator(mode="after")
    def _selects_something(self) -> Self:
        if not (self.where or self.runtime or self.region):
            raise ValueError('a rule names arguments (where = "--region us"), a runtime or a region')
        return self

    _terms: tuple["Term", ...] = ()

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._terms = _terms(shlex.split(self.where))

    def text(self) -> str:
        """What it names, in a few words."""
        return ", ".join(f"{name} {value}" for name, value in self if value != type(self).model_fields[name].default)

    def matches(self, run: RunTraits) -> bool:
        if self.runtime not in {None, run.runtime} or self.region not in {None, run.region}:
            return False
        return all(term.is_in(run.args) for term in self._terms)


class FailRule(Selection):
    """A share of the selected runs fails."""

    share: Share = 1.0
    code: str = DEFAULT_CODE
    message: str = DEFAULT_MESSAGE
    status: Literal["FAILED", "TIMED_OUT"] = "FAILED"
    after: Share = 1.0  # at which part of its duration


class DurationRule(Selection):
    """The selected runs take other times: ``startup_s`` and ``run_s`` replace the setting, ``factor`` multiplies it."""

    startup_s: Seconds | None = None
    run_s: Seconds | None = None
    factor: float = Field(default=1.0, gt=0)


@dataclass(frozen=True, slots=True)
class Term:
    """An option, with or without a value, or, without an option, any argument with this value."""

    option: str
    value: re.Pattern[str] | None

    def is_in(self, args: Sequence[str]) -> bool:
        return any(self._is_at(args, position) for position in range(len(args)))

    def _is_at(self, args: Sequence[str], position: int) -> bool:
        argument = args[position]
        if not self.option:
            return self.value is not None and self.value.fullmatch(argument) is not None
        if argument == self.option:
            following = args[position + 1] if position + 1 < len(args) else ""
            return self.value is None or self.value.fullmatch(following) is not None
        option, equals, value = argument.partition("=")
        return bool(equals) and option == self.option and (self.value is None or bool(self.value.fullmatch(value)))


_OPTION = re.compile(r"-+[A-Za-z]")  # -5 is a value


def _terms(words: Sequence[str]) -> tuple[Term, ...]:
    terms: list[Term] = []
    for word in words:
        if _OPTION.match(word):
            option, equals, value = word.partition("=")
            terms.append(Term(option, _pattern(value) if equals else None))
        elif terms and terms[-1].option and terms[-1].value is None:
            terms[-1] = Term(terms[-1].option, _pattern(word))
        else:
            terms.append(Term("", _pattern(word)))
    return tuple(terms)


def _pattern(text: str) -> re.Pattern[str]:
    """Only ``*`` is special: arguments are full of brackets."""
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)


def _as_rules(value: Any) -> Any:  # noqa: ANN401 - whatever a file or a flag contains; pydantic validates the rest
    """One rule or several; a rule that is only text is its ``where``."""
    if isinstance(value, str | Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        return value
    return tuple({"where": rule} if isinstance(rule, str) else rule for rule in value)


FailRules = Annotated[tuple[FailRule, ...], BeforeValidator(_as_rules)]
DurationRules = Annotated[tuple[DurationRule, ...], BeforeValidator(_as_rules)]
