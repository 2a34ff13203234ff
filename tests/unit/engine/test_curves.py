"""An output that follows the forming close along a curve has, at every trade, the value that `form` gives it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.condition import TriggerChange
from engine.engine import Engine, EngineConfig
from engine.grammar import parse_trigger
from engine.indicators.column import columns_of, parse_column
from engine.indicators.curves import NO_CURVE
from engine.indicators.registry import INDICATORS
from engine.trades import ALL_FLAGS, Trades

SYMBOL = "BINANCE:BTCUSDT"
BEGIN_MS = 1_763_856_000_000
CURVED = sorted(
    column
    for definition in INDICATORS.values()
    for column in columns_of(definition.name if definition.defaults is not None else f"{definition.name}_5")
    if parse_column(column).curve != NO_CURVE
)


def test_averages_bands_rsi_and_true_ranges_are_curves() -> None:
    assert {"SMA_5", "EMA_5", "RSI_14", "MACD_12_26_9.signal", "BBANDS_20_2.upper", "ATR_14", "TR"} <= set(CURVED)


@pytest.mark.parametrize("column", CURVED)
def test_a_curve_is_the_value_that_the_indicator_forms(column: str) -> None:
    """A trigger that reads the curve against a trigger that reads it by way of its closed values' sum, on one tape."""
    prices = _prices(900)
    engine = Engine(EngineConfig())
    spec = parse_trigger(
        "technical_trigger",
        {
            "timeframe": "1m", "fire": "every_edge",
            "conditions": [{"operand": f"{column}@1m", "operator": ">", "value": -1e12}],
        },
        pipeline_id="p", node_id="n", version=1, symbols=(SYMBOL,), primary_timeframe="1m",
    )  # fmt: skip
    engine.apply([TriggerChange("set", spec.trigger_id, spec)], at_ms=0)
    symbol = engine.symbol_id(SYMBOL)
    seen = 0
    for k, price in enumerate(prices):
        engine.on_trades(_trade(symbol, BEGIN_MS + 7_000 * k, price))
        followed = _followed(engine)
        formed = engine.market([SYMBOL])[0].values[f"{column}@1m"]
        if formed is None:
            assert math.isnan(followed)
        else:
            seen += 1
            assert followed == pytest.approx(formed, rel=1e-12, abs=1e-10)
    assert seen > 300


def test_in_a_flat_market_an_average_is_the_price_and_a_band_has_no_width() -> None:
    engine = Engine(EngineConfig())
    names = ("SMA_5", "EMA_5", "BBANDS_5_2.upper", "BBANDS_5_2.lower", "MACD_2_4_3.line", "ROC_3", "MOM_3")
    spec = parse_trigger(
        "technical_trigger",
        {"timeframe": "1m", "any": [{"operand": f"{n}@1m", "operator": ">", "value": 1e12} for n in names]},
        pipeline_id="p", node_id="n", version=1, symbols=(SYMBOL,), primary_timeframe="1m",
    )  # fmt: skip
    engine.apply([TriggerChange("set", spec.trigger_id, spec)], at_ms=0)
    symbol = engine.symbol_id(SYMBOL)
    for k in range(100):
        engine.on_trades(_trade(symbol, BEGIN_MS + 20_000 * k, 100.1))
    values = [float(v) for v in engine._tables.qv[: len(names), 0]]  # pyright: ignore[reportPrivateUsage]
    assert values == [100.1, 100.1, 100.1, 100.1, 0.0, 0.0, 0.0]


def _followed(engine: Engine) -> float:
    """Return what the trigger's only leaf read at the last trade."""
    return float(engine._tables.qv[0, 0])  # pyright: ignore[reportPrivateUsage]


def _trade(symbol: int, ts_ms: int, price: float) -> Trades:
    one = np.ones(1)
    return Trades(
        symbol=np.array([symbol], np.int32), ts_ms=np.array([ts_ms]), recv_ms=np.array([ts_ms]), price=price * one,
        size=one, flags=np.array([ALL_FLAGS], np.uint8), codes=np.zeros(1, np.uint64),
    )  # fmt: skip


def _prices(n: int) -> list[float]:
    """Return prices that stand still, jump, and wander."""
    chance = np.random.default_rng(5)
    steps = chance.normal(0.0, 2e-3, n)
    steps[:60] = 0.0
    steps[400:460] = 0.0
    steps[500] = 0.3
    steps[600] = -0.9
    prices: list[float] = np.round(100.0 * np.exp(np.cumsum(steps)), 4).tolist()
    return prices
