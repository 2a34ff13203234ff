"""What it costs to read trades: a frame of the feed as JSON, and our packed frame as columns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from benchmarks.engine.result import Figure
from core.wire import trades as wire
from ingest.frames import read_frame, read_prints

_TRADES = 100_000
_RUNS = 5


def figures() -> Iterator[Figure]:
    """Yield nanoseconds a trade for frames of 100, 10 and 1 trades.

    Raises:
        AssertionError: what was read is not what was written.
    """
    for size in (100, 10, 1):
        ns = _ns_a_trade(_feed_frame(size), _read_feed, size)
        yield Figure(f"decode a JSON frame of {size}", ns, "ns/trade", note="msgspec, typed")
        ns = _ns_a_trade(_packed_frame(size), _read_packed, size)
        yield Figure(f"decode a packed frame of {size}", ns, "ns/trade", note="columns, no copy")


def _feed_frame(size: int) -> bytes:
    prints = [
        {"s": "AAPL", "p": 189.97 + n / 100, "t": 1741613523187 + n, "v": 100, "c": ["1", "12"]} for n in range(size)
    ]
    return msgspec.json.encode({"type": "trade", "data": prints})


def _packed_frame(size: int) -> bytes:
    times = np.arange(size, dtype=np.int64) + 1741613523187
    return wire.encode_trades(
        wire.TradeFrame(
            ("AAPL",), np.zeros(size, np.uint16), times, times, np.full(size, 189.97), np.full(size, 100.0),
            np.full(size, 7, np.uint8), np.zeros(size, np.uint64),
        )
    )  # fmt: skip


def _read_feed(data: bytes) -> int:
    return len(read_prints(read_frame(data).data)[0])


def _read_packed(data: bytes) -> int:
    frame = wire.decode(data)
    assert isinstance(frame, wire.TradeFrame)
    return len(frame)


def _ns_a_trade(data: bytes, read: Callable[[bytes], int], size: int) -> float:
    times = _TRADES // size
    taken: list[float] = []
    for _ in range(_RUNS):
        began = time.perf_counter_ns()
        found = sum(read(data) for _ in range(times))
        taken.append((time.perf_counter_ns() - began) / found)
        assert found == times * size
    return statistics.median(taken)
