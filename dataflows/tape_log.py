"""The trades that the log holds, as a tape: what the platform saw, in the order in which it saw it."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
from confluent_kafka import TopicPartition

from core.errors import Malformed, Unavailable
from core.settings import Settings
from core.wire import kafka
from core.wire.topics import topics
from core.wire.trades import TradeFrame, decode

SCHEMA: dict[str, type[pl.DataType]] = {
    "symbol": pl.String,
    "ts_ms": pl.Int64,
    "price": pl.Float64,
    "size": pl.Float64,
    "recv_ms": pl.Int64,
    "flags": pl.UInt8,
    "codes": pl.UInt64,
}
"""As `core.wire.trades.TradeFrame`: `flags` is what a trade sets, `codes` a bit for each condition code."""
_SILENT_S = 20.0
_MOST = 2_000


def read_log(settings: Settings) -> list[pl.DataFrame]:
    """Return the trades of each partition, in its order, as the log holds them now.

    A record that nobody can read is none: the market flow has put it into the dead letters. A log that was
    trimmed has forgotten what came before.

    Raises:
        Unavailable: no broker answers, or there is no log yet.
    """
    name = topics(settings).trades.name
    wanted = [(name, p) for p in range(settings.trades_partitions)]
    return [_partition(settings, name, p, *bounds) for (_, p), bounds in kafka.bounds(settings, wanted).items()]


def _partition(settings: Settings, topic: str, partition: int, low: int, high: int) -> pl.DataFrame:
    frames: list[TradeFrame] = []
    consumer = kafka.consumer(settings)
    try:
        consumer.assign([TopicPartition(topic, partition, low)])
        at, heard = low, time.monotonic()
        while at < high:
            for message in kafka.values(consumer.consume(_MOST, 0.1)):
                at, heard = (message.offset() or 0) + 1, time.monotonic()
                frame = _trades_in(message.value() or b"")
                if frame is not None and at <= high:
                    frames.append(frame)
            if time.monotonic() - heard > _SILENT_S:
                raise Unavailable(f"Kafka: {topic!r} was read up to record {at} of {high} and no further")
    finally:
        consumer.close()
    return pl.concat([pl.DataFrame(schema=SCHEMA), *map(_table, frames)], rechunk=True)


def _trades_in(value: bytes) -> TradeFrame | None:
    try:
        message = decode(value)
    except Malformed:
        return None
    return message if isinstance(message, TradeFrame) and len(message) else None


def _table(frame: TradeFrame) -> pl.DataFrame:
    names = np.array(frame.symbols, dtype=object)[frame.symbol_index]
    columns = {
        "symbol": names, "ts_ms": frame.ts_ms, "price": frame.price, "size": frame.size, "recv_ms": frame.recv_ms,
        "flags": frame.flags, "codes": frame.codes,
    }  # fmt: skip
    return pl.DataFrame(columns, schema=SCHEMA)
