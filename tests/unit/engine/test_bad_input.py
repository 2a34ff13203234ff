"""What no market prints is counted and changes nothing else."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.condition import TriggerChange
from engine.engine import Engine, EngineConfig
from engine.firing import ClosedCandle, Firing
from engine.trades import ALL_FLAGS, Trades
from tests.unit.engine.tape import SYMBOL, price, trigger

BEGIN_MS = 1_741_600_800_000


class Print(NamedTuple):
    ts_ms: int
    price: float
    size: float


NO_PRICES = (math.nan, -1.0, 0.0, math.inf, -math.inf, 1e300)
NO_SIZES = (math.nan, -1.0, math.inf, 1e300)
NO_TIMES = (-1, -(2**62), 4_102_444_800_000, 2**62)
GOOD = [Print(BEGIN_MS + 7_000 * n, 100 + 3 * math.sin(n), 1 + n % 5) for n in range(60)]
RUBBISH = [
    *(("bad_price", Print(BEGIN_MS, p, 1.0)) for p in NO_PRICES),
    *(("bad_size", Print(BEGIN_MS, 100.0, z)) for z in NO_SIZES),
    *(("bad_time", Print(ts, 100.0, 1.0)) for ts in NO_TIMES),
]


def _engine() -> Engine:
    engine = Engine(EngineConfig())
    engine.watch([("SMA_3", "1m"), ("ATR_3", "1m")])
    specs = [
        trigger(price(">", 100, fire="every_edge"), node_id="a"),
        trigger(price("crosses_below", 99, hold={"seconds": 5}), node_id="b"),
    ]
    engine.apply([TriggerChange("set", spec.trigger_id, spec) for spec in specs])
    return engine


def _batch(symbol: int, prints: list[Print]) -> Trades:
    n = len(prints)
    return Trades(
        symbol=np.full(n, symbol, np.int32),
        ts_ms=np.array([p.ts_ms for p in prints], np.int64),
        recv_ms=np.zeros(n, np.int64),
        price=np.array([p.price for p in prints]),
        size=np.array([p.size for p in prints]),
        flags=np.full(n, ALL_FLAGS, np.uint8),
        codes=np.zeros(n, np.uint64),
    )


def _cut(trades: Trades, start: int, stop: int) -> Trades:
    return Trades(
        symbol=trades.symbol[start:stop],
        ts_ms=trades.ts_ms[start:stop],
        recv_ms=trades.recv_ms[start:stop],
        price=trades.price[start:stop],
        size=trades.size[start:stop],
        flags=trades.flags[start:stop],
        codes=trades.codes[start:stop],
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.sampled_from(RUBBISH)), min_size=1, max_size=20))
def test_a_tape_with_rubbish_in_it_is_the_tape_without_it_and_the_rubbish_is_counted_by_reason(
    rubbish: list[tuple[int, tuple[str, Print]]],
) -> None:
    clean, dirty = _engine(), _engine()
    tape = list(GOOD)
    for place, (_, bad) in sorted(rubbish, key=lambda found: -found[0]):
        tape.insert(place, bad)
    should = clean.on_trades(_batch(clean.symbol_id(SYMBOL), GOOD))
    found = dirty.on_trades(_batch(dirty.symbol_id(SYMBOL), tape))
    assert found.firings == should.firings
    assert found.suppressions == should.suppressions
    assert repr(found.candles) == repr(should.candles)  # a warming value is NaN, which equals nothing
    assert repr(dirty.market()) == repr(clean.market())
    reasons = Counter(reason for _, (reason, _) in rubbish)
    assert dirty.counters() == {**clean.counters(), **reasons}
    assert Engine.restore(dirty.snapshot(), EngineConfig()).counters() == dirty.counters()


@pytest.mark.parametrize("unknown", [1, -1, 2**31 - 1])
def test_a_trade_of_an_id_that_was_never_given_out_is_counted_and_the_others_of_its_batch_are_taken(
    unknown: int,
) -> None:
    clean, dirty = _engine(), _engine()
    known = dirty.symbol_id(SYMBOL)
    should = clean.on_trades(_batch(clean.symbol_id(SYMBOL), GOOD))
    batch = _batch(known, [GOOD[0], *GOOD, GOOD[-1]])
    batch.symbol[[0, -1]] = unknown
    found = dirty.on_trades(batch)
    assert (found.firings, repr(found.candles)) == (should.firings, repr(should.candles))
    assert dirty.counters() == {**clean.counters(), "unknown_symbol": 2}
    batch.symbol[:] = unknown
    assert dirty.on_trades(batch).firings == []
    assert dirty.counters()["unknown_symbol"] == 4 + len(GOOD)


def test_a_trade_that_may_do_nothing_is_counted_as_such() -> None:
    engine = _engine()
    batch = _batch(engine.symbol_id(SYMBOL), GOOD)
    batch.flags[3:5] = 0
    engine.on_trades(batch)
    assert {what: n for what, n in engine.counters().items() if n} == {"applied": len(GOOD) - 2, "no_flags": 2}


def test_no_size_is_a_size() -> None:
    engine = _engine()
    engine.on_trades(_batch(engine.symbol_id(SYMBOL), [Print(BEGIN_MS, 100.0, 0.0)]))
    assert engine.counters()["applied"] == 1


def test_a_batch_of_any_length_takes_little_memory_and_is_the_same_as_many_short_ones() -> None:
    n = 2_500_000
    places = np.arange(n)
    long = Trades(
        symbol=(places % 3).astype(np.int32),
        ts_ms=BEGIN_MS + places // 50,
        recv_ms=np.zeros(n, np.int64),
        price=np.where(places % 1_000_003 == 5, -1.0, 100 + np.sin(places / 9_999)),
        size=np.ones(n),
        flags=np.full(n, ALL_FLAGS, np.uint8),
        codes=np.zeros(n, np.uint64),
    )
    once, often = _engine(), _engine()
    for engine in (once, often):
        for symbol in (SYMBOL, "B:1", "B:2"):
            engine.symbol_id(symbol)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    found = once.on_trades(long)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most - before < 150_000_000  # the batch itself has 145 MB
    firings: list[Firing] = []
    candles: list[ClosedCandle] = []
    for start in range(0, n, 99_991):
        output = often.on_trades(_cut(long, start, start + 99_991))
        firings += list(output.firings)
        candles += list(output.candles)
    assert list(found.firings) == firings
    assert repr(list(found.candles)) == repr(candles)
    assert once.counters() == often.counters()
    assert once.counters()["bad_price"] == 3


def test_a_symbol_of_ten_thousand_characters_is_a_symbol_like_any_other() -> None:
    engine = _engine()
    name = "BINANCE:" + "X" * 10_000
    output = engine.on_trades(_batch(engine.symbol_id(name), GOOD))
    assert {candle.symbol for candle in output.candles} == {name}
    assert repr(Engine.restore(engine.snapshot(), EngineConfig()).market()) == repr(engine.market())


def test_an_empty_batch_is_nothing() -> None:
    engine = _engine()
    output = engine.on_trades(_batch(engine.symbol_id(SYMBOL), []))
    assert (output.firings, output.suppressions, len(output.candles)) == ([], [], 0)
