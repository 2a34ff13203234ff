"""A made-up tape as records of topic `trades`: crypto symbols that trade at any hour, marks four times a second."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.wire.records import TriggerRecord
from core.wire.topics import partition_of
from core.wire.trades import Mark, TradeFrame, decode, encode_mark, encode_trades
from engine.trades import ALL_FLAGS

SYMBOLS = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT", "BINANCE:BNBUSDT", "BINANCE:XRPUSDT")
START_MS = 1_763_856_000_000
"""2025-11-23 00:00 UTC."""
MARK_MS = 250


@dataclass(frozen=True, slots=True)
class TapeRecord:
    partition: int
    value: bytes


def make_tape(
    *,
    seconds: int,
    partitions: int = 4,
    start_ms: int = START_MS,
    symbols: Sequence[str] = SYMBOLS,
    seed: int = 1,
    trades_a_second: float = 20.0,
    feed: str = "simulator",
) -> list[TapeRecord]:
    """Return trades that swing around 100, in frames of 50 ms, with marks in every partition.

    Event time is receipt time. The same arguments give the same bytes.
    """
    chance = random.Random(seed)
    prices = dict.fromkeys(symbols, 100.0)
    found: list[TapeRecord] = []
    for at_ms in range(start_ms, start_ms + seconds * 1000, 50):
        if at_ms % MARK_MS == 0:
            found += marks(at_ms, partitions=partitions, feed=feed)
        rows: dict[int, list[tuple[str, int, float, float]]] = {}
        for symbol in symbols:
            while chance.random() < trades_a_second / len(symbols) * 0.05 / 2:
                prices[symbol] = round(prices[symbol] + chance.gauss(0, 0.2) + (100 - prices[symbol]) * 0.02, 2)
                ts_ms = at_ms + chance.randrange(50)
                rows.setdefault(partition_of(symbol, partitions), []).append(
                    (symbol, ts_ms, prices[symbol], round(chance.uniform(0.1, 5), 3))
                )
        found += [TapeRecord(p, encode_trades(frame_of(r))) for p, r in sorted(rows.items())]
    return found


def marks(at_ms: int, *, partitions: int = 4, feed: str = "simulator", recv_ms: int | None = None) -> list[TapeRecord]:
    mark = encode_mark(Mark(feed_ms=at_ms, recv_ms=at_ms if recv_ms is None else recv_ms, feed=feed))
    return [TapeRecord(p, mark) for p in range(partitions)]


def frame_of(rows: Sequence[tuple[str, int, float, float]], *, recv_ms: int | None = None) -> TradeFrame:
    """Return a frame of (symbol, ts_ms, price, size) rows; received when they happened, unless told otherwise."""
    symbols = tuple(dict.fromkeys(row[0] for row in rows))
    ts_ms = np.array([row[1] for row in rows], np.int64)
    return TradeFrame(
        symbols,
        np.array([symbols.index(row[0]) for row in rows], np.uint16),
        ts_ms,
        ts_ms if recv_ms is None else np.full(len(rows), recv_ms, np.int64),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.full(len(rows), ALL_FLAGS, np.uint8),
        np.zeros(len(rows), np.uint64),
    )


def price_trigger(
    pipeline_id: str,
    symbols: Iterable[str],
    *,
    value: float = 100.0,
    version: int = 1,
    at_ms: int = 0,
    **config: object,
) -> TriggerRecord:
    """Return a control record that arms a trigger on every crossing of a price, upwards."""
    return TriggerRecord(
        pipeline_id=pipeline_id,
        trigger_id=f"{pipeline_id}/node-1",
        trigger_version=version,
        action="set",
        user_id="user-1",
        pipeline_version=version,
        at_ms=at_ms,
        agent_type="price_trigger",
        config={"operator": "crosses_above", "value": value, "fire": "every_edge", **config},
        symbols=list(symbols),
        primary_timeframe="1m",
    )


def feed_ms_of(tape: list[TapeRecord]) -> int:
    """Return the feed time of the last mark that every partition has."""
    last: dict[int, int] = {}
    for record in tape:
        message = decode(record.value)
        if isinstance(message, Mark):
            last[record.partition] = message.feed_ms
    return min(last.values())
