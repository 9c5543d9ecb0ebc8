"""Why runs fail: the reason given by a rule, or one of the usual errors of Spark jobs."""

from dataclasses import dataclass

from batchrun.emulator.run_rules import DEFAULT_CODE, FailRule, RunTraits
from batchrun.emulator.schedule import uniform
from batchrun.emulator.settings import EmulatorSettings
from batchrun.wherobots.views import RunStatus

__all__ = ["Failure", "failure_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a run ends badly: ``code`` and ``message`` of its last event, at which part of its duration."""

    status: RunStatus = RunStatus.FAILED
    code: str = DEFAULT_CODE
    message: str
    after: float = 1.0


_REASONS = (
    "java.lang.OutOfMemoryError: Java heap space",
    "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://bucket/input",
    "py4j.protocol.Py4JJavaError: An error occurred while calling o87.save",
    "ModuleNotFoundError: No module named 'h3'",
)
# Memory first: a breakdown of the reasons should have something that leads.
_SHARES = (0.5, 0.75, 0.9, 1.0)


def failure_of(settings: EmulatorSettings, number: int, run: RunTraits) -> Failure | None:
    """How run ``number`` fails by itself, or None. The first rule that hits it decides."""
    for position, rule in enumerate(settings.fail_where):
        if _hits(rule, run, uniform(settings.seed, f"fail_where {position}", number)):
            return Failure(status=RunStatus(rule.status), code=rule.code, message=rule.message, after=rule.after)
    if settings.failure_rate and uniform(settings.seed, "failure", number) < settings.failure_rate:
        return Failure(message=_reason(uniform(settings.seed, "reason", number)))
    return None


def _hits(rule: FailRule, run: RunTraits, chance: float) -> bool:
    return rule.matches(run) and (rule.share >= 1 or chance < rule.share)


def _reason(chance: float) -> str:
    return next(reason for reason, below in zip(_REASONS, _SHARES, strict=True) if chance < below)
