"""Trade produced → firing readable, through the broker and the market flow.

Needs a running stack (TAPEWATCH_* variables) and starts a market flow of its own on topics of its own. Open loop: a
frame every 5 ms whatever comes back; late sending is counted. Every other frame moves one symbol over a threshold,
so one firing in 10 ms is expected. Latency is taken by one clock: from just before `produce` of the frame until the
consumer's poll returns the firing.

    python -m benchmarks.scenario.stream_latency --rate 10000 --triggers 1000 --seconds 20 [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from confluent_kafka import TopicPartition

from core.settings import Settings, load
from core.wire import kafka
from core.wire.records import Firing, TriggerRecord, decode, encode
from core.wire.topics import partition_of, topics
from core.wire.trades import Mark, TradeFrame, encode_mark, encode_trades
from engine.trades import ALL_FLAGS

_FRAME_S = 0.005
_MOVING = "BINANCE:BTCUSDT"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenario.stream_latency")
    parser.add_argument("--rate", type=int, default=10_000, help="trades a second, all symbols together")
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--triggers", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--runtime", choices=("bytewax", "loop"), default="bytewax")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = load()
    with tempfile.TemporaryDirectory(prefix="tapewatch-bench-") as folder:
        settings = found.model_copy(update={"topic_prefix": f"bench-{uuid.uuid4().hex[:8]}.", "data_dir": Path(folder)})
        kafka.ensure_topics(settings)
        symbols = [_MOVING, *(f"BENCH:S{n}" for n in range(1, asked.symbols))]
        _arm(settings, symbols, asked.triggers)
        variables = {
            **os.environ,
            "TAPEWATCH_TOPIC_PREFIX": settings.topic_prefix,
            "TAPEWATCH_DATA_DIR": folder,
            "TAPEWATCH_CLICKHOUSE_DATABASE": "bench_that_is_not_there",
        }
        flow = subprocess.Popen(
            [sys.executable, "-m", "dataflows.market", "--runtime", asked.runtime],
            env=variables,
            stdout=subprocess.DEVNULL,
        )
        try:
            measured = _measure(settings, symbols, rate=asked.rate, seconds=asked.seconds)
        finally:
            flow.terminate()
            flow.wait(10)
    measured = {
        "runtime": asked.runtime, "rate": asked.rate, "symbols": asked.symbols, "triggers": asked.triggers, **measured,
    }  # fmt: skip
    if asked.json:
        print(json.dumps(measured))
    else:
        for name, value in measured.items():
            print(f"{name:>24}  {value}")
    return 0


def _arm(settings: Settings, symbols: Sequence[str], triggers: int) -> None:
    """Arm one trigger that will fire, and others whose thresholds are never reached."""
    producer = kafka.producer(settings, linger_ms=5)
    for n in range(triggers):
        pipeline = f"bench-{n}"
        record = TriggerRecord(
            pipeline_id=pipeline, trigger_id=f"{pipeline}/node-1", trigger_version=1, action="set", user_id="bench",
            pipeline_version=1, at_ms=0, agent_type="price_trigger",
            config={"operator": "crosses_above", "value": 100.0 if n == 0 else 200.0 + n / 100, "fire": "every_edge"},
            symbols=[symbols[n % len(symbols)]], primary_timeframe="1m",
        )  # fmt: skip
        producer.produce(topics(settings).triggers.name, encode(record), pipeline)
        producer.poll(0)
    producer.flush(60)


def _measure(settings: Settings, symbols: Sequence[str], *, rate: int, seconds: int) -> dict[str, float]:
    sent_at: dict[int, float] = {}
    read_at: dict[int, float] = {}
    done = threading.Event()
    reading = threading.Thread(target=_read, args=(settings, read_at, done), daemon=True)
    reading.start()
    # The flow compiles and arms first; what is sent meanwhile is not counted.
    deadline = time.monotonic() + 180
    while not read_at:
        if time.monotonic() > deadline:
            raise SystemExit("the market flow did not fire within 180 s")
        _send(settings, symbols, sent_at, rate=max(200, rate // 10), seconds=1)
    time.sleep(1)
    sent_at.clear()
    read_at.clear()
    late = _send(settings, symbols, sent_at, rate=rate, seconds=seconds)
    give_up = time.monotonic() + 10
    while len(read_at) < len(sent_at) and time.monotonic() < give_up:
        time.sleep(0.05)
    done.set()
    reading.join(2)
    ms = np.array([read_at[key] - sent_at[key] for key in sent_at.keys() & read_at.keys()]) * 1000
    p50, p99, p999 = (round(float(x), 2) for x in np.percentile(ms, [50, 99, 99.9]))
    return {
        "seconds": seconds, "firings_expected": len(sent_at), "firings_read": len(ms), "p50_ms": p50, "p99_ms": p99,
        "p99.9_ms": p999, "max_ms": round(float(ms.max()), 2), "frames_sent_late": late,
    }  # fmt: skip


def _send(settings: Settings, symbols: Sequence[str], sent_at: dict[int, float], *, rate: int, seconds: int) -> int:
    """Send frames on time; note those that will fire by their trade's `ts_ms`. Return how many were 5 ms late."""
    producer = kafka.producer(settings)
    topic, partitions = topics(settings).trades.name, settings.trades_partitions
    groups = [[s for s in symbols if partition_of(s, partitions) == p] for p in range(partitions)]
    a_frame = max(partitions, int(rate * _FRAME_S))
    chance = np.random.default_rng(1)
    begun, late = time.perf_counter(), 0
    for tick in range(int(seconds / _FRAME_S)):
        due = begun + tick * _FRAME_S
        now = time.perf_counter()
        if now < due:
            time.sleep(due - now)
        elif now - due > _FRAME_S:
            late += 1
        now_ms = time.time_ns() // 1_000_000
        if tick % 50 == 0:
            for p in range(partitions):
                producer.produce(topic, encode_mark(Mark(feed_ms=now_ms, recv_ms=now_ms, feed="bench")), partition=p)
        for p, group in enumerate(groups):
            if group:
                frame = _frame(group, a_frame // partitions, now_ms, is_up=tick % 2 == 1, chance=chance)
                if _MOVING in group and tick % 2 == 1:
                    sent_at[now_ms] = time.perf_counter()
                producer.produce(topic, encode_trades(frame), partition=p)
        producer.poll(0)
    producer.flush(10)
    return late


def _frame(group: Sequence[str], n: int, now_ms: int, *, is_up: bool, chance: np.random.Generator) -> TradeFrame:
    index = chance.integers(0, len(group), n).astype(np.uint16)
    price = 100.0 + chance.normal(0, 0.01, n)
    if _MOVING in group:
        moving = group.index(_MOVING)
        price[index == moving] = 100.05 if is_up else 99.95
        index[0], price[0] = moving, 100.05 if is_up else 99.95
    times = np.full(n, now_ms, np.int64)
    flags, codes = np.full(n, ALL_FLAGS, np.uint8), np.zeros(n, np.uint64)
    return TradeFrame(tuple(group), index, times, times, price, np.ones(n), flags, codes)


def _read(settings: Settings, read_at: dict[int, float], done: threading.Event) -> None:
    consumer = kafka.consumer(settings)
    consumer.assign([TopicPartition(topics(settings).firings.name, 0, 0)])
    while not done.is_set():
        message = consumer.poll(0.1)
        if message is None or message.error() is not None:
            continue
        at = time.perf_counter()
        read_at.setdefault(decode(message.value() or b"", Firing).ts_ms, at)
    consumer.close()


if __name__ == "__main__":
    sys.exit(main())
