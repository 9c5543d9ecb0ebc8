"""What a person decided about runs that exist although the ledger does not know them."""

from enum import StrEnum

__all__ = ["Existing"]


class Existing(StrEnum):
    """What to do about runs of planned names that the ledger does not know."""

    REFUSE = "refuse"
    """Stop and let a person decide."""
    ADOPT = "adopt"
    """They are this batch's: adopt them if their payload matches."""
    FOREIGN = "foreign"
    """They belong to another batch and are left alone; this batch creates its own."""

    @property
    def flag(self) -> str:
        """The command-line option."""
        return "adopt-existing" if self is Existing.ADOPT else "not-ours"
