"""What a market flow says of the trades it was given."""

from __future__ import annotations

import math
from pathlib import Path

from core.clock import ManualClock
from core.wire.trades import encode_trades
from dataflows.journal import Journal
from dataflows.partition import Partition
from dataflows.poll import LogRecord, Poll
from dataflows.shard import Shard
from engine.engine import Engine, EngineConfig
from tests.kit.market_flow import control_records
from tests.kit.tape import START_MS, SYMBOLS, frame_of, make_tape, price_trigger


def test_trades_that_no_market_makes_are_told_by_reason(tmp_path: Path) -> None:
    partition = Partition(0, 1, Engine(EngineConfig()), Journal(tmp_path / "journal", "c"))
    shard = Shard([partition], ManualClock(), recent={}, checkpoint_interval_ms=10**9, keep_live=False)
    good = [(SYMBOLS[0], START_MS + n, 100.0, 1.0) for n in range(5)]
    partition.take([LogRecord(0, None, encode_trades(frame_of(good)))], [], is_caught_up=True)
    assert shard.dropped() == {}
    assert "unusable" not in shard.sentence()
    bad = [
        (SYMBOLS[0], START_MS, math.nan, 1.0),
        (SYMBOLS[0], START_MS, -1.0, 1.0),
        (SYMBOLS[0], START_MS, 100.0, -1.0),
        (SYMBOLS[0], START_MS - 120_000, 100.0, 1.0),
    ]
    partition.take([LogRecord(1, None, encode_trades(frame_of(bad)))], [], is_caught_up=True)
    assert shard.dropped() == {"late": 1, "bad_price": 2, "bad_size": 1}
    assert shard.sentence().endswith("; unusable trades since its state began: bad price 2, bad size 1")


def test_what_did_not_fire_is_counted_by_reason(tmp_path: Path) -> None:
    partition = Partition(0, 1, Engine(EngineConfig(feed="simulator")), Journal(tmp_path / "journal", "c"))
    shard = Shard([partition], ManualClock(), recent={}, checkpoint_interval_ms=10**9, keep_live=False)
    triggers = control_records([price_trigger("p-1", SYMBOLS, cooldown_seconds=20)])
    tape = make_tape(seconds=60, partitions=1, trades_a_second=30)
    records = [LogRecord(n, None, r.value) for n, r in enumerate(tape)]
    shard.process(Poll(control=triggers, caught_up=frozenset({0})))
    made = shard.process(Poll(trades={0: records}, caught_up=frozenset({0}))).outgoing
    assert shard.suppressed["cooldown"] > 0
    assert shard.suppressed.total() == sum(one.topic == "suppressions" for one in made)
    assert shard.firings == sum(one.topic == "firings" for one in made)
