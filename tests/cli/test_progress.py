"""The progress line of a batch."""

from batchrun.cli.progress import count_line, pace_line, pause_line, upload_line
from batchrun.engine.progress import Progress
from batchrun.uploads.progress import UploadProgress


def test_the_counts_leave_out_what_is_zero() -> None:
    progress = Progress(planned=2000, submitted=1200, pending=798, unknown=2, in_flight=3, retries=1)
    assert count_line(progress) == "1,200 of 2,000 submitted, 2 unknown, 3 in flight, 1 retry"


def test_the_pace_says_rate_reason_limit_and_time_left() -> None:
    progress = Progress(planned=100, pending=50, rate_per_s=9.84, limit_per_s=10, pace="searching", left_s=5.08)
    assert pace_line(progress) == "9.8/s (searching, up to 10.0/s), about 5.1 s left"


def test_no_time_left_is_made_up() -> None:
    stalled = Progress(planned=100, pending=50, left_s=None)
    paused = Progress(planned=100, pending=50, left_s=4.0, pause_s=30.0)
    assert pace_line(stalled).endswith("time left unknown")
    assert pace_line(paused).endswith("time left unknown")


def test_the_end_waits_for_what_is_unknown() -> None:
    assert pace_line(Progress(planned=3, submitted=1, unknown=2)).endswith("settling 2 unknown")
    assert pace_line(Progress(planned=3, submitted=3)).endswith("all sent")


def test_a_pause_says_why_and_how_long() -> None:
    assert pause_line(Progress(planned=1)) == ""
    paused = Progress(planned=1, pause_s=12.3, pause_reason="the service asked to slow down")
    assert pause_line(paused) == "paused for 12 s: the service asked to slow down"


def test_uploads_are_counted_in_bytes_or_megabytes_and_say_what_went_wrong() -> None:
    small = UploadProgress(files=2, files_done=1, size=1_500, size_done=600, trouble="storage answered HTTP 500")
    large = UploadProgress(files=2, files_done=0, size=30_000_000, size_done=1_250_000)
    assert upload_line(small) == (
        "uploading local files: 1 of 2, 600 of 1,500 bytes; trying again: storage answered HTTP 500"
    )
    assert upload_line(large) == "uploading local files: 0 of 2, 1.2 of 30.0 MB"
