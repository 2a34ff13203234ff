"""A flow says when it stands still or falls behind."""

from __future__ import annotations

from dataflows.progress import Progress, Unread


def test_a_reader_at_the_end_of_a_silent_log_keeps_up() -> None:
    progress = Progress()
    for second in range(100):
        progress.take({0: Unread(7, 0)}, now_s=float(second))
    assert progress.problem() == ""


def test_unread_records_that_nobody_takes_are_a_stall() -> None:
    progress = Progress()
    progress.take({0: Unread(7, 0), 1: Unread(3, 0)}, now_s=10)
    progress.take({0: Unread(7, 1200), 1: Unread(9, 0)}, now_s=14)
    assert progress.problem() == ""
    progress.take({0: Unread(7, 1234), 1: Unread(12, 0)}, now_s=17)
    assert progress.problem() == "stalled: 1,234 records of the tape lie unread, none taken for 7 s"


def test_a_reader_that_reads_and_never_arrives_is_behind() -> None:
    progress = Progress()
    for second in range(7):
        progress.take({0: Unread(100 * second, 50_000)}, now_s=float(second))
    assert progress.problem() == "behind the tape for 6 s: 50,000 records lie unread"


def test_a_busy_log_that_always_has_a_little_more_is_no_complaint() -> None:
    progress = Progress()
    for second in range(100):
        progress.take({0: Unread(300 * second, 40)}, now_s=float(second))
    assert progress.problem() == ""


def test_catching_up_ends_the_complaint() -> None:
    progress = Progress()
    progress.take({0: Unread(0, 10)}, now_s=0)
    progress.take({0: Unread(0, 10)}, now_s=9)
    assert progress.problem().startswith("stalled")
    progress.take({0: Unread(10, 0)}, now_s=9.5)
    assert progress.problem() == ""


def test_a_reader_of_no_partition_has_nothing_to_say() -> None:
    assert Progress().problem() == ""
