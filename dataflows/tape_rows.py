"""Trades of the log as rows of `trades_tape`. Read again, a trade has the same key: its place in the log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from core.wire.trades import TradeFrame

SOURCE = "stream"
_A_RECORD = 65_536


def tape_rows(frame: TradeFrame, feed: str, offset: int) -> pl.DataFrame:
    """Return a row for each trade of the record at an offset of its partition, in its order."""
    n = len(frame)
    columns = {
        "symbol": np.array(frame.symbols, dtype=object)[frame.symbol_index],
        "ts_ms": frame.ts_ms,
        "nth": np.zeros(n, np.uint32),
        "price": frame.price,
        "size": frame.size,
        "log_at": offset * _A_RECORD + np.arange(n, dtype=np.int64),
        "recv_ms": frame.recv_ms,
        "flags": frame.flags,
        "codes": frame.codes,
    }
    table = pl.DataFrame(columns, schema_overrides={"symbol": pl.String})
    return table.with_columns(pl.lit(feed).alias("feed"), pl.lit(SOURCE).alias("source"))


def batch_of(tables: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, str]:
    """Return one table of them, and a token that the same trades have whenever they are written as one batch."""
    table = pl.concat(tables, rechunk=True)
    digest = hashlib.blake2b(digest_size=16)
    for name in ("symbol", "log_at", "ts_ms", "recv_ms"):
        digest.update(table[name].hash().to_numpy().tobytes())
    return table, digest.hexdigest()
