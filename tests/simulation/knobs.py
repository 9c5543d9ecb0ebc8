"""What is set differently in a simulation, because it costs time and decides nothing."""

from batchrun.engine import environment
from batchrun.engine.session import monitor
from batchrun.ledger import writer
from tests.simulation import sweep

__all__ = ["install"]


def install() -> None:
    """Set them."""
    sweep.install()
    environment.COST = 2  # of a digest that is to be slow
    monitor.EVERY_S = 5.0  # of a look at the progress, which nobody sees; and patience is measured in minutes
    writer.FLUSH_EVERY_S = 0.5  # ten times as much is lost by a kill
