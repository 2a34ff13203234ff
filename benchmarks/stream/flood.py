"""The load of a throughput run, in a process of its own: packed batches at a fixed rate, whatever comes of them.

Each 10 ms what is due by then is sent, in messages of a thousand trades at most, compressed as ingest does it; what
the broker does not take in time is an error, not a slower load.

    python -m benchmarks.stream.flood --rate 1000000 --seconds 60 --symbols 1000 --told FILE
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from confluent_kafka import KafkaError, Message

from benchmarks.stream.scene import crowd
from core.settings import load
from core.wire import kafka
from core.wire.topics import partition_of, topics
from core.wire.trades import Mark, TradeFrame, encode_mark, encode_trades
from engine.trades import ALL_FLAGS

_TICK_S = 0.01
_MARK_TICKS = 25
_MOST = 1_000
_VARIETY = 16
_BUFFER_KB = 512 * 1024
_MINUTE_MS = 60_000


class Flood(msgspec.Struct, frozen=True):
    """What was sent: trades in all, and by the minute they happened in; `late_s` is the longest a tick was late."""

    trades: int
    minutes: dict[int, int]
    refused: int
    late_s: float


class _Frames:
    """Frames of one partition, the same few again and again, with the time of now."""

    def __init__(self, symbols: Sequence[str], chance: np.random.Generator) -> None:
        self._symbols = tuple(symbols)
        self._index = [chance.integers(0, len(symbols), _MOST).astype(np.uint16) for _ in range(_VARIETY)]
        self._price = [100.0 + np.round(chance.normal(0, 0.05, _MOST), 4) for _ in range(_VARIETY)]
        self._ones, self._codes = np.ones(_MOST), np.zeros(_MOST, np.uint64)
        self._flags = np.full(_MOST, ALL_FLAGS, np.uint8)
        self._turn = 0

    def encoded(self, n: int, now_ms: int) -> bytes:
        self._turn = (self._turn + 1) % _VARIETY
        times = np.full(n, now_ms, np.int64)
        return encode_trades(
            TradeFrame(
                self._symbols, self._index[self._turn][:n], times, times, self._price[self._turn][:n], self._ones[:n],
                self._flags[:n], self._codes[:n],
            )
        )  # fmt: skip


def send(*, rate: int, seconds: float, symbols: int) -> Flood:
    """Send until the time is over."""
    settings = load()
    producer = kafka.producer(settings, compression="lz4", buffer_kb=_BUFFER_KB, linger_ms=1.0)
    topic, partitions = topics(settings).trades.name, settings.trades_partitions
    chance, names = np.random.default_rng(1), crowd(symbols)
    frames = [_Frames([s for s in names if partition_of(s, partitions) == p], chance) for p in range(partitions)]
    refused = 0

    def delivered(error: KafkaError | None, _message: Message) -> None:
        nonlocal refused
        refused += error is not None

    gc.collect()
    gc.freeze()
    minutes, sent, late_s = Counter[int](), 0, 0.0
    begun, tick = time.monotonic(), 0
    while tick * _TICK_S < seconds:
        due = begun + tick * _TICK_S
        now = time.monotonic()
        if now < due:
            time.sleep(due - now)
        late_s = max(late_s, now - due)
        now_ms = time.time_ns() // 1_000_000
        owed = int(rate * (tick + 1) * _TICK_S) - sent
        for p in range(partitions):
            if tick % _MARK_TICKS == 0:
                producer.produce(topic, encode_mark(Mark(feed_ms=now_ms, recv_ms=now_ms, feed="bench")), partition=p)
            left = owed // partitions
            while left > 0:
                n = min(left, _MOST)
                producer.produce(topic, frames[p].encoded(n, now_ms), partition=p, on_delivery=delivered)
                left -= n
                sent += n
                minutes[now_ms // _MINUTE_MS * _MINUTE_MS] += n
        producer.poll(0)
        tick += 1
    refused += producer.flush(30)
    return Flood(sent, dict(minutes), refused, late_s)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream.flood")
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--symbols", type=int, required=True)
    parser.add_argument("--told", type=Path, required=True)
    asked = parser.parse_args(arguments)
    told = send(rate=asked.rate, seconds=asked.seconds, symbols=asked.symbols)
    asked.told.write_bytes(msgspec.json.encode(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
