"""`tapewatch bench throughput` sends at its rate, and every trade it sent is taken."""

from __future__ import annotations

from benchmarks.stream import throughput
from benchmarks.stream.throughput import Load


def test_all_trades_are_taken_and_lag_and_memory_are_measured() -> None:
    load = Load(rate=20_000, seconds=4.0, triggers=20, symbols=50)
    taken, left, growth = throughput.figures(load, "embedded")
    assert (taken.unit, left.unit, growth.unit) == ("trades/s", "s", "MB/min")
    assert taken.value > 0
    assert (taken.target, growth.target) == (None, None), "a light and a short load prove no target"
