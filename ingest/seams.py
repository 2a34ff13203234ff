"""One series out of several sources: each fills only what those before it lack, and knows where it ends (T22)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from core.wire.trades import History
from ingest.history import Times

_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume", "vwap", "trades")


def lacking(parts: Sequence[History], intervals: Times) -> Times:
    """Return the intervals that no part has a candle of, rising."""
    had = [ts for part in parts for ts in part.ts_ms]
    return intervals[~np.isin(intervals[:, 0], had)]


def joined(parts: Sequence[History], intervals: Times, *, is_whole: bool) -> list[History]:
    """Return the parts, in their order, each without the candles that an earlier one has; empty ones are left out.

    Every candle is told its seam: the end of the stretch of one source that it is in.

    Args:
        parts: Of one symbol, session and timeframe, each oldest first.
        intervals: [start, end) of every candle they may have, rising.
        is_whole: See `History`.
    """
    ends: dict[int, int] = dict(intervals.tolist())
    owner: dict[int, int] = {}
    for number, part in enumerate(parts):
        for ts in part.ts_ms:
            if ts in ends:
                owner.setdefault(ts, number)
    seams = _seams(owner, ends)
    found: list[History] = []
    for number, part in enumerate(parts):
        kept = [i for i, ts in enumerate(part.ts_ms) if owner.get(ts) == number]
        if kept:
            columns = {name: [getattr(part, name)[i] for i in kept] for name in _COLUMNS}
            seam_ms = [seams[ts] for ts in columns["ts_ms"]]
            found.append(msgspec.structs.replace(part, **columns, seam_ms=seam_ms, is_whole=is_whole))
    return found


def _seams(owner: dict[int, int], ends: dict[int, int]) -> dict[int, int]:
    """Return for each candle's start where its stretch ends: the candle after that is another source's, or none is."""
    seams: dict[int, int] = {}
    seam, after = 0, -1
    for ts in sorted(owner, reverse=True):
        if owner[ts] != after:
            seam, after = ends[ts], owner[ts]
        seams[ts] = seam
    return seams
