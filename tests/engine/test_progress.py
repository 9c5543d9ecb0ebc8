from batchrun.engine.progress import NO_OBSERVER, Progress, Reporter
from batchrun.errors import Problem

ONE, TWO = Problem("a", "one"), Problem("b", "two")


class Recorder:
    """Keeps what it is given; raises at a note if it is to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.shown: list[Progress] = []
        self.notes: list[Problem] = []
        self.fails = fails

    def progress(self, progress: Progress) -> None:
        self.shown.append(progress)

    def note(self, note: Problem) -> None:
        self.notes.append(note)
        if self.fails:
            raise OSError("no terminal")


def test_progress_and_notes_reach_the_observer_and_notes_are_kept() -> None:
    recorder = Recorder()
    reporter = Reporter(recorder)
    reporter.progress(Progress(planned=3, pending=3))
    reporter.note(ONE)
    reporter.note(TWO)
    assert recorder.shown == [Progress(planned=3, pending=3)]
    assert recorder.notes == reporter.notes == [ONE, TWO]


def test_an_observer_that_fails_at_a_note_loses_no_note_and_is_not_called_again() -> None:
    recorder = Recorder(fails=True)
    reporter = Reporter(recorder)
    reporter.note(ONE)
    reporter.note(TWO)
    reporter.progress(Progress(planned=1))
    assert recorder.notes == [ONE]
    assert recorder.shown == []
    first, failure, last = reporter.notes
    assert (first, last) == (ONE, TWO)
    assert (failure.place, failure.fact) == ("observer", "it raised OSError: no terminal")


def test_without_an_observer_notes_are_kept_for_the_summary() -> None:
    reporter = Reporter(NO_OBSERVER)
    reporter.progress(Progress(planned=1))
    reporter.note(ONE)
    assert reporter.notes == [ONE]
