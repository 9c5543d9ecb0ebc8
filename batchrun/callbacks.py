"""The callback of whoever gave none."""

__all__ = ["ignored"]


def ignored(*_: object) -> None:
    """Do nothing with what it is called with."""
