"""The types of settings, and the base of everything that can be configured."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from batchrun.emulator.schedule import FaultSchedule

__all__ = ["NEVER", "Count", "FaultField", "Offset", "Seconds", "Settings", "Share"]

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
# Thirty years either way: enough for any wrong clock, and every timestamp stays within the calendar.
Offset = Annotated[float, Field(ge=-1e9, le=1e9)]
Count = Annotated[int, Field(ge=1)]
FaultField = Annotated[FaultSchedule, BeforeValidator(FaultSchedule.parse)]
NEVER = FaultSchedule()


class Settings(BaseModel):
    """Frozen, and strict about names: a misspelt setting would otherwise be ignored silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
