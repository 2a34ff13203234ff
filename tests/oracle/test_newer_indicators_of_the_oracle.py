"""Stops, clouds, pivots and oscillators of the oracle: held against TA-Lib where it has them, else against examples
reckoned by hand.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import talib

from engine.indicators.registry import INDICATORS
from tests.oracle.indicators import NAMES, Candle, first_value, values
from tests.oracle.indicators_tapes import MINUTE, TAPES, assert_same, candle, of_closes
from tests.oracle.test_indicators_of_the_oracle import CASES

BY_HAND = {"SUPERTREND": (3, 2), "ICHIMOKU": (2, 3, 4), "PIVOT": (), "VWAP": ()}
BY_TALIB = [
    ("CCI", (20,)), ("CCI", (3,)), ("STOCHRSI", (14, 14, 3, 3)), ("STOCHRSI", (14, 5, 3)),
    ("STOCHRSI", (5, 3, 2, 2)), ("SAR", (0.02, 0.2)), ("SAR", (0.1, 0.35)), ("SAR", (0.3, 0.2)),
]  # fmt: skip
Numbers = tuple[float, ...]


def _of_talib(name: str, p: Numbers, candles: list[Candle]) -> list[list[float]]:
    high, low, close = (np.array([getattr(c, field) for c in candles]) for field in ("high", "low", "close"))
    if name == "CCI":
        return [talib.CCI(high, low, close, int(p[0])).tolist()]
    if name == "SAR":
        return [talib.SAR(high, low, p[0], p[1]).tolist()]
    k, smooth, d = (int(n) for n in (p[1:] if len(p) == 4 else (p[1], 1, p[2])))
    warm = int(p[0])
    strength = talib.RSI(close, warm)[warm:]
    if not len(strength):
        return [[math.nan] * len(candles)] * 2
    found = talib.STOCH(strength, strength, strength, fastk_period=k, slowk_period=smooth, slowd_period=d)
    return [([math.nan] * warm + series.tolist())[: len(candles)] for series in found]


@pytest.mark.parametrize("tape", [tape for tape, candles in TAPES.items() if candles])
@pytest.mark.parametrize(("name", "params"), BY_TALIB)
def test_they_say_what_talib_says_but_where_that_divides_by_zero(name: str, params: Numbers, tape: str) -> None:
    candles = TAPES[tape]
    found = values(name, params, candles).values()
    scale = max(c.high for c in candles) if name == "SAR" else 1.0
    for mine, theirs in zip(found, _of_talib(name, params, candles), strict=True):
        assert_same(mine, theirs, scale=scale, is_zero_unknown=name != "SAR")


@pytest.mark.parametrize(("name", "params"), [*BY_TALIB, *BY_HAND.items()])
def test_their_first_value_is_at_the_candle_the_definition_says(name: str, params: Numbers) -> None:
    candles = TAPES["walk 3"]
    for output, series in values(name, params, candles).items():
        begins = next(at for at, value in enumerate(series, start=1) if not math.isnan(value))
        assert begins == first_value(name, params), output
    assert all(series == [] for series in values(name, params, []).values())


def test_the_stochastic_of_a_resting_strength_is_unknown() -> None:
    found = values("STOCHRSI", (5, 3, 2), of_closes([10.0, 11.0, 10.5, 10.7, 10.2, 10.9, 10.4] + [10.4] * 30))
    assert all(map(math.isnan, found["k"][9:]))


def test_a_supertrend_follows_below_and_turns_when_the_close_is_beyond_it() -> None:
    """True ranges are 2, so the bands are the middle and 2 either side."""
    closes = [10, 10, 10, 11, 12, 13, 12, 11, 10, 9]
    candles = [candle(at, [close, close - 1.0, close + 1.0, close], 1.0) for at, close in enumerate(closes)]
    found = values("SUPERTREND", (2, 1), candles)
    assert found["direction"][2:] == [-1, -1, -1, 1, 1, 1, -1, -1]
    assert found["line"][2:] == [12, 12, 12, 11, 11, 11, 12, 11]


def test_the_cloud_at_a_candle_was_reckoned_base_less_one_candles_ago() -> None:
    candles = [candle(at, [float(at), float(at + 2)], 1.0) for at in range(1, 9)]
    found = {output: series[-1] for output, series in values("ICHIMOKU", (2, 3, 4), candles).items()}
    # Ranges of the last 2 and 3 candles: 7-10 and 6-10. Two candles ago of 2, 3 and 4: 5-8, 4-8, 3-8.
    assert found == {"conversion": 8.5, "base": 8.0, "span_a": 6.25, "span_b": 5.5}


def test_pivots_are_those_of_the_candle_before() -> None:
    found = values("PIVOT", (), [candle(0, [10.0, 16.0, 7.0, 13.0], 1.0), candle(1, [99.0], 1.0)])
    assert {output: series[1] for output, series in found.items()} == {
        "p": 12, "r1": 17, "r2": 21, "r3": 26, "s1": 8, "s2": 3, "s3": -1,
    }  # fmt: skip


def test_the_average_price_of_a_session_begins_anew_with_it() -> None:
    traded = [(10.0, 1.0, 0), (20.0, 3.0, 0), (99.0, 0.0, 0), (99.0, 0.0, 2), (40.0, 2.0, 2)]
    candles = [
        replace(candle(at, [price], volume), session_open_ms=opened * MINUTE)
        for at, (price, volume, opened) in enumerate(traded)
    ]
    assert values("VWAP", (), candles)[""] == pytest.approx([10, 17.5, 17.5, math.nan, 40], nan_ok=True)


@pytest.mark.parametrize("name", sorted(NAMES & set(INDICATORS)))
def test_outputs_are_named_as_in_the_registry(name: str) -> None:
    params = next(p for known, p in [*CASES, *BY_TALIB, *BY_HAND.items()] if known == name)
    assert tuple(values(name, params, TAPES["one"])) == (INDICATORS[name].outputs or ("",))


def test_every_indicator_of_the_oracle_is_judged_somewhere() -> None:
    assert {name for name, _ in [*CASES, *BY_TALIB]} | set(BY_HAND) == NAMES


def test_nothing_the_oracle_reckons_with_is_the_engines() -> None:
    for file in (*Path(__file__).parent.glob("indicators*.py"), Path(__file__).with_name("candle.py")):
        for line in file.read_text().splitlines():
            assert not line.lstrip().startswith(("import engine", "from engine")), file.name
