"""What no market prints is counted and changes nothing else."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.condition import TriggerChange
from engine.engine import Engine, EngineConfig
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
BAD = st.one_of(
    st.sampled_from([Print(BEGIN_MS, p, 1.0) for p in NO_PRICES]),
    st.sampled_from([Print(BEGIN_MS, 100.0, z) for z in NO_SIZES]),
    st.sampled_from([Print(ts, 100.0, 1.0) for ts in NO_TIMES]),
)


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


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), BAD), min_size=1, max_size=20))
def test_a_tape_with_rubbish_in_it_is_the_tape_without_it_and_the_rubbish_is_counted(
    rubbish: list[tuple[int, Print]],
) -> None:
    clean, dirty = _engine(), _engine()
    tape = list(GOOD)
    for place, bad in sorted(rubbish, key=lambda found: -found[0]):
        tape.insert(place, bad)
    should = clean.on_trades(_batch(clean.symbol_id(SYMBOL), GOOD))
    found = dirty.on_trades(_batch(dirty.symbol_id(SYMBOL), tape))
    assert found.firings == should.firings
    assert found.suppressions == should.suppressions
    assert repr(found.candles) == repr(should.candles)  # a warming value is NaN, which equals nothing
    assert repr(dirty.market()) == repr(clean.market())
    assert dirty.counters() == {**clean.counters(), "malformed": len(rubbish)}


def test_an_id_that_was_never_given_out_is_refused_and_nothing_of_its_batch_is_taken() -> None:
    engine = _engine()
    known = engine.symbol_id(SYMBOL)
    for unknown in (known + 1, -1, 2**31 - 1):
        batch = _batch(known, GOOD[:3])
        batch.symbol[1] = unknown
        with pytest.raises(ValueError, match=f"symbol id {unknown} at place 1 was not given out"):
            engine.on_trades(batch)
    assert engine.counters()["applied"] == 0
    assert len(engine.on_trades(_batch(known, GOOD)).candles) > 0


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
