"""How each run label is drawn: its color, and a mark that distinguishes it without color."""

from collections.abc import Mapping, Sequence

from batchrun.report.html.pictures.bars import Segment

__all__ = ["LABELS", "OTHER", "segments_of", "segments_title", "style_of"]

LABELS: dict[str, tuple[str, str]] = {
    "COMPLETED": ("completed", "✓"),
    "FAILED": ("failed", "✕"),
    "TIMED_OUT": ("timed-out", "◷"),
    "gone": ("gone", "∅"),
    "rejected": ("rejected", "⊗"),
    "not created": ("not-created", "⊗"),
    "unknown": ("unknown", "?"),
    "CANCELLED": ("cancelled", "⊘"),
    "RUNNING": ("running", "▶"),
    "PENDING": ("waiting", "…"),
    "created": ("created", "•"),
    "not sent": ("not-sent", "○"),
    "dropped": ("dropped", "–"),
}
"""How each label is drawn: its color's name, and the mark that tells it apart without color. In the bar's order."""
OTHER = ("other", "•")


def style_of(label: str) -> tuple[str, str]:
    """The color's name and the mark of a label; the service may have statuses that are not known here."""
    return LABELS.get(label, OTHER)


def segments_of(counts: Mapping[str, int]) -> tuple[Segment, ...]:
    """The parts of a bar of runs by label, those that went well first; labels without runs are left out."""
    order = list(LABELS)
    labels = sorted((label for label, count in counts.items() if count), key=lambda one: (_place(one, order), one))
    return tuple(
        Segment(label=label, count=counts[label], style=style_of(label)[0], mark=style_of(label)[1]) for label in labels
    )


def _place(label: str, order: Sequence[str]) -> int:
    return order.index(label) if label in order else len(order)


def segments_title(segments: Sequence[Segment]) -> str:
    """The bar in words."""
    listed = ", ".join(f"{segment.count:,} {segment.label}" for segment in segments)
    return f"Runs by status: {listed}" if listed else "No runs"
