"""The oracle's own indicators, held against TA-Lib: it judges the engine, so something must judge it."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from engine.indicators.registry import INDICATORS
from tests.kit.talib_judge import talib_values
from tests.oracle.indicators import NAMES, Candle, first_value, stable_after, values
from tests.oracle.indicators_tapes import TAPES, assert_same, candle, of_closes, walk

STILL_MISSING: frozenset[str] = frozenset()
"""Indicators of the registry that the oracle does not know yet."""

CASES = [
    ("SMA", (20,)), ("SMA", (2,)), ("EMA", (20,)), ("EMA", (2,)), ("RSI", (14,)), ("RSI", (3,)), ("ATR", (14,)),
    ("ATR", (2,)), ("MACD", (12, 26, 9)), ("MACD", (3, 7, 2)), ("MACD", (2, 3, 2)), ("BBANDS", (20, 2)),
    ("BBANDS", (5, 1.5)), ("STOCH", (14, 1, 3)), ("STOCH", (14, 3, 3)), ("STOCH", (5, 4, 2)), ("STOCH", (2, 1, 2)),
    ("ADX", (14,)), ("ADX", (3,)), ("PLUSDI", (14,)), ("PLUSDI", (3,)), ("MINUSDI", (14,)), ("MINUSDI", (3,)),
    ("ROC", (10,)), ("ROC", (2,)), ("OBV", ()), ("WMA", (20,)), ("WMA", (2,)), ("HMA", (20,)), ("HMA", (4,)),
    ("DEMA", (20,)), ("DEMA", (2,)), ("TEMA", (20,)), ("TEMA", (2,)), ("KAMA", (10,)), ("KAMA", (2,)),
    ("SLOPE", (14,)), ("SLOPE", (2,)), ("MOM", (10,)), ("MOM", (2,)), ("WILLR", (14,)), ("WILLR", (2,)),
    ("AROON", (14,)), ("AROON", (2,)), ("DONCHIAN", (20,)), ("DONCHIAN", (2,)), ("KELTNER", (20, 2, 10)),
    ("KELTNER", (3, 1.5, 7)), ("TR", ()), ("NATR", (14,)), ("NATR", (2,)), ("STDDEV", (20,)), ("STDDEV", (3,)),
    ("ZSCORE", (20,)), ("ZSCORE", (3,)), ("MFI", (14,)), ("MFI", (3,)), ("AD", ()), ("CMF", (20,)), ("CMF", (2,)),
    ("RVOL", (20,)), ("RVOL", (3,)),
]  # fmt: skip

OF_PRICES = {"MACD", "BBANDS", "MOM", "SLOPE", "TR", "STDDEV", "HMA", "KELTNER", "ATR"}
"""Differences of prices: they round on the scale of the prices."""
ZERO_BY_ZERO = {"RSI", "STOCH", "ADX", "PLUSDI", "MINUSDI", "WILLR", "MFI"}
"""Where TA-Lib says 0 for 0/0, and the oracle nothing (T18)."""


@pytest.mark.parametrize("tape", TAPES)
@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_oracle_says_what_talib_says_but_where_that_divides_by_zero(
    name: str, params: tuple[float, ...], tape: str
) -> None:
    candles = TAPES[tape]
    found = values(name, params, candles)
    if not candles:
        assert all(series == [] for series in found.values())
        return
    high, low, close, volume = (
        np.array([getattr(candle, field) for candle in candles]) for field in ("high", "low", "close", "volume")
    )
    scale = float(high.max()) if name in OF_PRICES else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        judge = talib_values(name, params, high, low, close, volume)
    assert tuple(found) == (INDICATORS[name].outputs or ("",))
    for series, expected in zip(found.values(), judge, strict=True):
        assert_same(series, expected.tolist(), scale=scale, is_zero_unknown=name in ZERO_BY_ZERO)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_first_value_is_at_the_candle_the_definition_says(name: str, params: tuple[float, ...]) -> None:
    candles = [candle(at, [100.0 + at % 5, 101.0 + at % 7, 102.5 + at % 3], 10.0 + at % 4) for at in range(120)]
    for series in values(name, params, candles).values():
        begins = next(at for at, value in enumerate(series, start=1) if not math.isnan(value))
        assert begins == first_value(name, params) == INDICATORS[name].first_value(params)
        assert not any(map(math.isnan, series[begins - 1 :]))


@pytest.mark.parametrize(("name", "params"), CASES)
def test_what_is_settled_is_what_the_registry_says(name: str, params: tuple[float, ...]) -> None:
    assert stable_after(name, params) == INDICATORS[name].stable(params)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_a_value_does_not_depend_on_candles_behind_it(name: str, params: tuple[float, ...]) -> None:
    candles = TAPES["walk 0"]
    whole = values(name, params, candles)
    for count in (30, 90, 150):
        for output, series in values(name, params, candles[:count]).items():
            assert series == pytest.approx(whole[output][:count], rel=0, abs=0, nan_ok=True)


def test_T18_the_example_of_the_relative_strength() -> None:
    closes = "44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 45.89 46.03 45.61 46.28 46.28"
    found = values("RSI", (14,), of_closes([float(close) for close in closes.split()]))[""]
    assert all(map(math.isnan, found[:14]))
    assert found[14] == pytest.approx(70.464135, abs=5e-7)


@pytest.mark.parametrize(
    ("name", "params"),
    [("RSI", (3,)), ("ADX", (3,)), ("PLUSDI", (3,)), ("MINUSDI", (3,)), ("WILLR", (3,)), ("MFI", (3,)),
     ("STOCH", (3, 1, 2)), ("ZSCORE", (3,))],
)  # fmt: skip
def test_T18_a_market_that_never_moved_has_no_share_of_its_moves(name: str, params: tuple[float, ...]) -> None:
    assert all(math.isnan(x) for series in values(name, params, of_closes([5.1] * 40)).values() for x in series)


@pytest.mark.parametrize(("name", "params"), [("STDDEV", (3,)), ("BBANDS", (3, 2))])
def test_a_market_that_never_moved_deviates_by_nothing(name: str, params: tuple[float, ...]) -> None:
    for series in values(name, params, of_closes([5.1] * 40)).values():
        assert set(series[2:]) == {0.0 if name == "STDDEV" else 5.1}


def test_T18_a_market_that_rests_after_moving_keeps_its_relative_strength() -> None:
    found = values("RSI", (14,), of_closes([10.0, 11.0, 10.5] * 6 + [10.5] * 80))[""]
    assert found[18:] == pytest.approx([found[17]] * 80)


def test_T18_the_average_of_the_stochastic_waits_until_no_flat_window_is_in_it() -> None:
    found = values("STOCH", (2, 1, 2), of_closes([1.0, 2.0, 3.0, 3.0, 4.0, 5.0, 5.5]))
    unknown = {
        output: [at for at, x in enumerate(series, start=1) if math.isnan(x)] for output, series in found.items()
    }
    assert unknown == {"k": [1, 2, 4], "d": [1, 2, 4, 5]}


def test_there_is_no_volume_to_compare_with_in_a_market_without_trades() -> None:
    candles = [candle(at, [5.0, 6.0], 0.0) for at in range(10)]
    for name in ("CMF", "RVOL", "MFI"):
        assert all(map(math.isnan, values(name, (3,), candles)[""]))


def test_the_oracle_knows_every_indicator_of_the_registry() -> None:
    assert set(INDICATORS) - NAMES == STILL_MISSING


def test_the_oracle_is_quick_enough_to_be_asked_often() -> None:
    candles = walk(1)
    for name, params in CASES:
        taken = min(_seconds(name, params, candles) for _ in range(3))
        assert taken < 0.05, f"{name}{params} took {taken:.3f} s"


def _seconds(name: str, params: tuple[float, ...], candles: list[Candle]) -> float:
    began = time.perf_counter()
    values(name, params, candles)
    return time.perf_counter() - began
