"""Recorded trades made into candles by the engine itself, as an offline replay makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from core.settings import Settings
from engine.condition import Session, Timeframe
from engine.engine import Engine, EngineConfig
from engine.firing import ClosedCandle
from engine.replay import play
from engine.sessions import Calendars
from engine.trades import ALL_FLAGS, Trades

_LEFT_OUT = {
    "late": "trades late for their candle", "outside": "trades outside the session",
    "bad_price": "trades with a price that no market has", "bad_size": "trades with a size that no market has",
    "bad_time": "trades at an impossible time",
}  # fmt: skip
_UNSEEN = 0.02
"""Of a candle's length: a tape that begins later in it than this has not seen the candle whole."""
_FIELDS = ("symbol", "timeframe", "ts_ms", "end_ms", "open", "high", "low", "close", "volume", "vwap", "trades")


def candles_of(
    trades: pl.DataFrame,
    settings: Settings,
    calendars: Calendars,
    *,
    session: Session,
    timeframes: Sequence[Timeframe],
) -> tuple[pl.DataFrame, Counter[str]]:
    """Play a tape; return its closed candles sorted by start, and how many trades entered no candle, by reason.

    What still forms at the end of the tape is no candle, and what had begun before the tape is partial: a file
    should hold whole sessions.
    """
    engine = Engine(
        EngineConfig(
            feed="import", calendars=calendars, close_grace_ms=settings.close_grace_ms, sessions=(session,),
            is_offline=True,
        )
    )  # fmt: skip
    names: list[str] = trades["symbol"].unique(maintain_order=True).to_list()
    ids = {name: engine.symbol_id(name) for name in names}
    n = len(trades)
    tape = Trades(
        symbol=trades["symbol"].replace_strict(ids, return_dtype=pl.Int32).to_numpy() if n else np.empty(0, np.int32),
        ts_ms=trades["ts_ms"].to_numpy(),
        recv_ms=np.zeros(n, np.int64),
        price=trades["price"].to_numpy(),
        size=trades["size"].to_numpy(),
        flags=np.full(n, ALL_FLAGS, np.uint8),
        codes=np.zeros(n, np.uint64),
    )
    found: list[ClosedCandle] = []
    for output in play(engine, tape):
        found += [
            c for c in output.candles
            if c.timeframe in timeframes and (c.session == session or engine.has_one_session(c.symbol))
        ]  # fmt: skip
    table = pl.DataFrame({name: [getattr(c, name) for c in found] for name in _FIELDS}, schema=_schema())
    begun_ms = int(tape.ts_ms.min()) if n else 0
    unseen = (begun_ms - pl.col("ts_ms")) > _UNSEEN * (pl.col("end_ms") - pl.col("ts_ms"))
    counts = engine.counters()
    skipped = Counter({words: counts[name] for name, words in _LEFT_OUT.items() if counts.get(name)})
    return table.with_columns(unseen.alias("partial")).sort("ts_ms", "symbol", "timeframe"), skipped


def _schema() -> dict[str, type[pl.DataType]]:
    whole = {"ts_ms": pl.Int64, "end_ms": pl.Int64, "trades": pl.UInt32}
    text = {"symbol": pl.String, "timeframe": pl.String}
    return {name: whole.get(name) or text.get(name) or pl.Float64 for name in _FIELDS}
