"""`tapewatch bench latency` measures through services of its own, and finds every firing it is owed."""

from __future__ import annotations

from benchmarks.stream import latency
from benchmarks.stream.feed import Schedule
from benchmarks.stream.latency import Size


def test_every_firing_that_was_due_is_read_and_timed() -> None:
    figures = list(latency.figures(Size([500], [30], seconds=1.0, warm_s=1.0, symbols=50), "embedded"))
    assert [figure.name.rpartition(" ")[2] for figure in figures] == ["p50", "p99", "p99.9"]
    assert all(figure.value > 0 and figure.is_met is None for figure in figures)


def test_a_schedule_keeps_its_rate_and_counts_nothing_of_the_warm_up() -> None:
    schedule = Schedule(rate=10_000, seconds=1.0, warm_s=0.5, symbols=10)
    assert schedule.trades == 15_000
    assert len(schedule.frames) * schedule.period_ns == 1_500_000_000
    assert min(due.due_ns for due in schedule.due) >= schedule.begin_ns + 500_000_000
    assert len({(due.symbol, due.ts_ms) for due in schedule.due}) == len(schedule.due)
