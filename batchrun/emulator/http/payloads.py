"""Request bodies, validated as the contract validates them: unknown properties pass, everything else is strict."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from batchrun.emulator.error_bodies import ErrorDetail
from batchrun.wherobots.enums import RuntimeId
from batchrun.wherobots.payload import CreateRunPayload, FileDependency
from batchrun.wherobots.views import CreateRunPayloadOutput, ErrorClass

__all__ = ["LenientPayload", "answered_payload", "arguments_of", "error_details", "read_payload"]


def _known_or_none(runtime: RuntimeId | None) -> RuntimeId | None:
    if runtime is not None and not runtime.is_known:
        raise ValueError(f"'{runtime}' is not a runtime")
    return runtime


class LenientPayload(CreateRunPayload):
    """The payload as newer descriptions of the service have it: ``runtime`` is optional."""

    runtime: Annotated[RuntimeId | None, AfterValidator(_known_or_none)] = None  # type: ignore[assignment] # wider than the contract's, on purpose


_SUGGESTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda error: f"Add the field '{error['loc'][-1]}'.",
    "json_invalid": lambda _: "Send one JSON object.",
    "string_pattern_mismatch": lambda _: "Use letters, digits, '_', '-' and '.' only.",
    "string_too_short": lambda error: f"Use at least {error['ctx']['min_length']} characters.",
    "string_too_long": lambda error: f"Use at most {error['ctx']['max_length']} characters.",
    "enum": lambda error: f"Use one of {error['ctx']['expected']}.",
}
_RUNTIMES = ", ".join(RuntimeId)


def read_payload(body: bytes, *, lenient: bool = False) -> CreateRunPayload | list[ErrorDetail]:
    """The payload, or every error in it."""
    model = LenientPayload if lenient else CreateRunPayload
    try:
        return model.model_validate_json(body, extra="ignore", by_alias=True, by_name=False)
    except ValidationError as error:
        return error_details(error.errors(include_url=False, include_input=False), "body")


def answered_payload(payload: CreateRunPayload, default_runtime: str) -> bytes:
    """The payload as a ``RunView`` shows it: defaults filled in, file dependencies with their type."""
    if payload.runtime is None:
        payload.runtime = RuntimeId(default_runtime)
    # Without file dependencies the input and output models have the same JSON, and dumping once is twice as fast.
    if not any(isinstance(one, FileDependency) for one in payload.environment.dependencies):
        return payload.model_dump_json(by_alias=True).encode()
    plain = payload.model_dump(by_alias=True)
    return CreateRunPayloadOutput.model_validate(plain).model_dump_json(by_alias=True).encode()


def arguments_of(payload: CreateRunPayload) -> Sequence[str]:
    """The arguments of the script, or of the jar."""
    script = payload.run_python or payload.run_jar
    return script.args if script is not None else ()


def error_details(errors: list[Any], place: str = "") -> list[ErrorDetail]:
    """Pydantic's errors, one ``ErrorDetail`` each; ``place`` is prepended to the path."""
    return [_error_detail(error, place) for error in errors]


def _error_detail(error: dict[str, Any], place: str) -> ErrorDetail:
    parts = [str(part) for part in error["loc"]]
    suggest = _SUGGESTIONS.get(error["type"])
    suggestion = {"suggestion": suggest(error)} if suggest else {}
    # An unknown runtime fails a validator of ours, which has no list of what is allowed.
    if parts[-1:] == ["runtime"] and error["type"] != "missing":
        suggestion = {"suggestion": f"Use one of {_RUNTIMES}."}
    return ErrorDetail(
        code=ErrorClass.INVALID_INPUT_ERROR,
        message=error["msg"],
        details=f"{error['type']} at {'.'.join(parts) or 'the body'}",
        path=".".join([place, *parts] if place else parts),
        field=parts[-1] if parts else None,
        **suggestion,
    )
