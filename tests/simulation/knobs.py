"""What is set differently in a simulation, because it costs time and decides nothing."""

from batchrun.engine import environment
from batchrun.ledger import writer
from tests.simulation import sweep

__all__ = ["install"]


def install() -> None:
    """Set them."""
    sweep.install()
    environment.COST = 2  # of a digest that is to be slow
    writer.FLUSH_EVERY_S = 0.25  # five times as much is lost by a kill
