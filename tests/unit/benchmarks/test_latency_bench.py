"""The latency benchmark counts every firing it caused, once, and no other."""

from __future__ import annotations

import pytest

from benchmarks.stream.feed import Due, Schedule, Told
from benchmarks.stream.latency import took_ms
from core.wire.records import Firing
from engine.firing import Evidence

SENT = Told(
    due=[Due("A", 1_000, 5_000_000), Due("B", 2_000, 9_000_000)], early=[Due("A", 500, 1_000_000)],
    trades=3, dropped=0, late_ms=0.0,
)  # fmt: skip


def firing(symbol: str, ts_ms: int, number: int) -> Firing:
    return Firing(
        firing_id=f"00000000-0000-0000-0000-{number:012}", pipeline_id="p", trigger_id="t", trigger_version=1,
        symbol=symbol, ts_ms=ts_ms, decided_ms=ts_ms, price=1.0, kind="tick",
        evidence=Evidence((), True, (), "live", "bench", None, ts_ms, "0" * 64, "1"),
    )  # fmt: skip


FIRST, SECOND = (firing("A", 1_000, 1), 7_000_000), (firing("B", 2_000, 2), 9_500_000)


def test_a_latency_counts_from_when_its_trade_was_due() -> None:
    assert took_ms([SECOND, FIRST], SENT).tolist() == [2.0, 0.5]


def test_firings_of_the_warm_up_are_allowed_and_not_counted() -> None:
    assert len(took_ms([(firing("A", 500, 3), 1), FIRST, SECOND], SENT)) == 2


def test_a_missing_firing_is_told() -> None:
    with pytest.raises(AssertionError, match="1 of 2 firings never came"):
        took_ms([FIRST], SENT)


def test_a_firing_that_comes_twice_is_told() -> None:
    with pytest.raises(AssertionError, match="came twice"):
        took_ms([FIRST, SECOND, SECOND], SENT)


def test_a_second_firing_of_one_trade_is_told() -> None:
    with pytest.raises(AssertionError, match="came twice"):
        took_ms([FIRST, SECOND, (firing("B", 2_000, 4), 1)], SENT)


def test_a_firing_of_no_trade_that_was_to_fire_is_told() -> None:
    with pytest.raises(AssertionError, match="1 firings of no trade that was to fire"):
        took_ms([FIRST, SECOND, (firing("B", 3_000, 3), 1)], SENT)


def test_a_schedule_counts_after_the_warm_up_only() -> None:
    made = Schedule(rate=1_000, seconds=1.0, warm_s=1.0, symbols=5)
    assert len(made.frames) == 2_000
    assert len(made.due) + len(made.early) == 100
    assert min(d.due_ns for d in made.due) >= made.begin_ns + 1_000_000_000
    assert {d.ts_ms for d in made.due}.isdisjoint(d.ts_ms for d in made.early)
