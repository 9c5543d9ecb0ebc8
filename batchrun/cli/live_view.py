"""A display that is redrawn in its own thread, so that a slow terminal delays no run."""

from typing import Self

from rich.console import RenderableType
from rich.live import Live
from typing_extensions import override

from batchrun.cli.output import Output
from batchrun.cli.quiet_view import QuietView

__all__ = ["LiveView"]


class LiveView(QuietView):
    """Draws again and again what ``draw`` returns; with ``stays``, its last state stays on screen.

    It is drawn for the first time when it is made, so a subclass sets what it draws before it calls this ``__init__``.
    """

    def __init__(self, output: Output, *, redraw_per_s: float, stays: bool = False) -> None:
        super().__init__(output)
        self._live = Live(
            get_renderable=self.draw,
            console=output.terminal,
            refresh_per_second=redraw_per_s,
            transient=not stays,
            redirect_stdout=False,  # Output is the only writer of both streams
            redirect_stderr=False,
        )

    @override
    def __enter__(self) -> Self:
        self._live.start()
        return self

    @override
    def leave(self) -> None:
        self._live.stop()

    def draw(self) -> RenderableType:
        """The display as it is now; called in the thread that draws."""
        raise NotImplementedError
