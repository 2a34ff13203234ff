"""Candles of a file put where ours begin and end (T12, T13), so that both are one series."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.condition import Session, Timeframe
from engine.sessions import ALWAYS, DAY_MS, TIMEFRAME_MS, Calendars

OUTSIDE = "outside the sessions of {calendar}"
OFF_GRID = "not where a candle of its timeframe begins"
REPEATED = "a candle that comes again later in the file"
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Candles with `end_ms`, sorted by start; `skipped` counts the rows left out by reason."""

    table: pl.DataFrame
    skipped: Counter[str]


def fit(table: pl.DataFrame, calendars: Calendars, session: Session) -> Fitted:
    """Keep the candles that are ours: of the session, on the grid, the last one of equal ones.

    A daily candle is stamped with midnight of its date, somewhere; it gets the open and close of its session.
    """
    skipped: Counter[str] = Counter()
    kept: list[pl.DataFrame] = []
    for (symbol, timeframe), part in table.group_by("symbol", "timeframe", maintain_order=True):
        given = part["ts_ms"].to_numpy()
        starts, ends, reason = _places(calendars, str(symbol), session, cast("Timeframe", timeframe), given)
        skipped.update(reason[reason != ""].tolist())
        placed = part.with_columns(pl.Series("ts_ms", starts), pl.Series("end_ms", ends)).filter(reason == "")
        once = placed.unique("ts_ms", keep="last", maintain_order=True)
        skipped[REPEATED] += len(placed) - len(once)
        kept.append(once)
    whole = pl.concat(kept) if kept else table.with_columns(pl.lit(0, pl.Int64).alias("end_ms"))
    return Fitted(whole.sort("ts_ms", "symbol", "timeframe"), +skipped)


def _places(
    calendars: Calendars, symbol: str, session: Session, timeframe: Timeframe, given: Times
) -> tuple[Times, Times, NDArray[np.str_]]:
    """Return start, end, and why it is left out ("" where it is not), of each candle."""
    length = TIMEFRAME_MS[timeframe]
    outside = OUTSIDE.format(calendar=calendars.calendar_of(symbol))
    reason = np.full(len(given), "", f"<U{max(len(outside), len(OFF_GRID))}")
    if calendars.calendar_of(symbol) == ALWAYS:
        reason[given % length != 0] = OFF_GRID
        return given, given + length, reason
    span = int(given.min()), int(given.max()) + DAY_MS
    if timeframe in ("4h", "1d"):
        intervals = calendars.intervals(symbol, session, timeframe, *span)
        at = np.searchsorted(intervals[:, 0], given, side="left")
        inside = at < len(intervals)
        starts = intervals[np.minimum(at, len(intervals) - 1), 0] if len(intervals) else given
        ends = intervals[np.minimum(at, len(intervals) - 1), 1] if len(intervals) else given
        reason[~inside | (starts - given >= DAY_MS)] = outside
        if timeframe == "4h":
            reason[(reason == "") & (starts != given)] = OFF_GRID
        return starts, ends, reason
    sessions = calendars.bounds(symbol, session, *span)
    at = np.searchsorted(sessions[:, 0], given, side="right") - 1
    closes = sessions[np.maximum(at, 0), 1] if len(sessions) else np.zeros_like(given)
    reason[(at < 0) | (given >= closes)] = outside
    reason[(reason == "") & (given % length != 0)] = OFF_GRID
    return given, np.minimum(given + length, closes), reason
