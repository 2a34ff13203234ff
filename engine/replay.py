"""An offline tape played through an engine as if it were live (T24): marks stand at every 250 ms of its time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.engine import Engine
from engine.layout import MARK_MS, MAX_MS
from engine.output import Output
from engine.trades import Trades

CHUNK = 65_536
"""Trades handed over at once; any number gives the same result."""


NO_MARK = -1


def marks_before(ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last mark before each trade: tape time, which never goes back, rounded down.

    NO_MARK until tape time has passed a multiple of 250 ms: the first mark is not before the first trade. A
    trade whose time is no time (it will be counted as such) does not move the tape.
    """
    tape = np.maximum.accumulate(np.where((ts_ms >= 0) & (ts_ms < MAX_MS), ts_ms, NO_MARK))
    begun = tape[tape >= 0]
    if not len(begun):
        return np.full(len(tape), NO_MARK, np.int64)
    marks = tape // MARK_MS * MARK_MS
    return np.where(marks >= begun[0], marks, NO_MARK)


def play(engine: Engine, trades: Trades, *, chunk: int = CHUNK) -> Iterator[Output]:
    """Play a whole tape; yield outputs in decision order, one after each chunk and each scheduled instant.

    The engine must be new but for its symbols and triggers. From the first trade to the largest `ts_ms`
    every scheduled instant falls due; what is due later stays undone (T24).
    """
    n = len(trades)
    if n == 0:
        return
    marks = marks_before(trades.ts_ms)
    usable = trades.ts_ms[(trades.ts_ms >= 0) & (trades.ts_ms < MAX_MS)]
    if len(usable):
        engine.start_schedules(int(usable[0]))
    at = 0
    while at < n:
        end = min(at + chunk, n)
        instant = engine.next_due_ms()
        if instant is not None:
            mark = -(-instant // MARK_MS) * MARK_MS
            stop = int(np.searchsorted(marks, mark, side="left"))
            if stop < end:
                # No trade after this mark has been played: `stop` is never behind `at`.
                yield engine.play(_part(trades, at, stop), marks[at:stop], until_ms=mark)
                yield engine.on_mark(mark, recv_ms=0, health="offline")
                at = max(at, stop)
                continue
        yield engine.play(_part(trades, at, end), marks[at:end])
        at = end


def _part(trades: Trades, start: int, stop: int) -> Trades:
    return Trades(
        symbol=trades.symbol[start:stop],
        ts_ms=trades.ts_ms[start:stop],
        recv_ms=trades.recv_ms[start:stop],
        price=trades.price[start:stop],
        size=trades.size[start:stop],
        flags=trades.flags[start:stop],
        codes=trades.codes[start:stop],
    )
