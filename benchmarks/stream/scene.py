"""Who trades and which triggers are armed: a few symbols that fire all the time, and many triggers that never do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.settings import Settings
from core.wire import kafka
from core.wire.records import TriggerRecord, encode
from core.wire.topics import topics

MOVERS = 20
"""Symbols that go over their threshold in turn; they spread over the partitions."""
THRESHOLD, ABOVE, BELOW = 100.0, 100.05, 99.95


def mover(n: int) -> str:
    return f"BINANCE:MOVER{n % MOVERS}"


def crowd(symbols: int) -> list[str]:
    return [f"BINANCE:B{n}" for n in range(symbols)]


def triggers(count: int, symbols: int) -> Iterator[TriggerRecord]:
    """Yield one trigger a mover, and the rest spread evenly over the crowd, too far off to fire."""
    names = crowd(symbols)
    far = np.round(np.random.default_rng(5).uniform(150.0, 400.0, count), 4).tolist()
    for n in range(max(count, MOVERS)):
        is_mover = n < MOVERS
        yield TriggerRecord(
            pipeline_id=f"bench-{n}", trigger_id=f"bench-{n}/t", trigger_version=1, action="set", user_id="bench",
            pipeline_version=1, at_ms=0, agent_type="price_trigger",
            config={
                "operator": "crosses_above", "value": THRESHOLD if is_mover else far[n], "fire": "every_edge",
            },
            symbols=[mover(n) if is_mover else names[n % len(names)]], primary_timeframe="1m",
        )  # fmt: skip


def arm(settings: Settings, count: int, symbols: int) -> int:
    """Publish the triggers; return how many there are.

    Raises:
        AssertionError: the broker did not take them.
    """
    producer = kafka.producer(settings, linger_ms=20, compression="lz4")
    armed = 0
    for record in triggers(count, symbols):
        while True:
            try:
                producer.produce(topics(settings).triggers.name, encode(record), record.pipeline_id)
                break
            except BufferError:
                producer.poll(0.05)
        armed += 1
    assert producer.flush(60) == 0, "the broker did not take the triggers"
    return armed
