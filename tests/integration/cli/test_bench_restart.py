"""`tapewatch bench restart` kills a flow of its own amid trades, and finds every firing it is owed."""

from __future__ import annotations

from benchmarks.stream import restart
from benchmarks.stream.restart import Size


def test_a_flow_killed_amid_trades_owes_no_firing_and_its_restart_is_timed() -> None:
    first, *split = restart.figures(Size(symbols=50, triggers=30, seconds=30.0), "embedded")
    assert first.value > 0
    assert first.is_met is None
    assert "lost" in first.note
    assert [figure.name.rpartition(": ")[2] for figure in split] == [
        "start, imports, compiled code", "checkpoint read and restored", "joining the log, catching up",
    ]  # fmt: skip
