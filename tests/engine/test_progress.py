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


def test_notes_that_many_runs_have_in_common_are_summed_up() -> None:
    recorder = Recorder()
    reporter = Reporter(recorder)
    for number in range(300):
        note = Problem(f"run-{number}", "stays unknown; no id", f"decide about run-{number}")
        reporter.note_run(note, kind="stay unknown; no id", fix="decide about them")
    reporter.note_run(Problem("other", "was not sent", "resume"), kind="were not sent", fix="resume")
    notes = reporter.sum_up()
    assert [note.text() for note in notes] == [
        "run-0: stays unknown; no id; decide about run-0",
        "run-1: stays unknown; no id; decide about run-1",
        "run-2: stays unknown; no id; decide about run-2",
        "other: was not sent; resume",
        "297 more runs: stay unknown; no id; decide about them",
    ]
    assert recorder.notes == list(notes)
    assert reporter.sum_up() == notes


def test_a_few_alike_are_shown_one_by_one() -> None:
    reporter = Reporter(NO_OBSERVER)
    for number in range(3):
        reporter.note_run(Problem(f"run-{number}", "f"), kind="k", fix="x")
    assert [note.place for note in reporter.sum_up()] == ["run-0", "run-1", "run-2"]
