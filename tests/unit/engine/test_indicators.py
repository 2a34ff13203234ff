"""Indicators judged by TA-Lib: closed values, forming values, warm-up and the deviations by name (T18)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from engine.indicators import series as series_module
from engine.indicators.column import Column, columns_of, parse_column
from engine.indicators.registry import INDICATORS, KINDS
from tests.kit.talib_judge import talib_values
from tests.unit.engine.tape import player, trigger

Series = NDArray[np.float64]
CAP = 4096
RNG = np.random.default_rng(20131008)


def _walk(n: int, scale: float = 1.0) -> Series:
    return np.abs(100 + np.cumsum(RNG.normal(0, 0.5, n))) * scale + scale


TAPES: dict[str, Series] = {
    "random walk": _walk(600),
    "monotone": np.arange(1.0, 400.0),
    "one spike": np.where(np.arange(300) == 150, 1e4, 100.0) + np.arange(300) % 2,
    "shorter than the lookback": _walk(10),
    "huge": _walk(300, 1e9),
    "tiny": _walk(300, 1e-6),
    "flat after moving": np.concatenate((_walk(60), np.full(300, 77.7))),
}


def _stream(
    name: str, params: tuple[float, ...], high: Series, low: Series, close: Series, volume: Series | None = None
) -> Series:
    """Return the value at each candle, as the kernel gives it when the candle closes."""
    definition = INDICATORS[name]
    starts = np.arange(len(close), dtype=np.int64) * 60_000
    volume = np.ones(len(close)) if volume is None else volume
    series = series_module.Series(starts, close, high, low, close, volume, close)
    outputs = range(max(1, len(definition.outputs)))
    columns = [Column(definition, tuple(map(float, params)), index) for index in outputs]
    return np.column_stack([series_module.closed_values(column, series) for column in columns])


CASES = [
    ("SMA", (20,)), ("SMA", (2,)), ("EMA", (20,)), ("EMA", (2,)), ("RSI", (14,)), ("RSI", (2,)), ("ATR", (14,)),
    ("ATR", (2,)), ("MACD", (12, 26, 9)), ("MACD", (3, 7, 2)), ("BBANDS", (20, 2)), ("BBANDS", (5, 1.5)),
    ("STOCH", (14, 1, 3)), ("STOCH", (14, 3, 3)), ("STOCH", (5, 4, 2)), ("STOCH", (2, 1, 2)),
    ("ADX", (14,)), ("ADX", (2,)),
    ("PLUSDI", (14,)), ("PLUSDI", (2,)), ("MINUSDI", (14,)), ("MINUSDI", (2,)), ("ROC", (10,)), ("ROC", (2,)),
    ("OBV", ()), ("WMA", (20,)), ("WMA", (2,)), ("HMA", (20,)), ("HMA", (4,)), ("DEMA", (20,)), ("DEMA", (2,)),
    ("TEMA", (20,)), ("TEMA", (2,)), ("KAMA", (10,)), ("KAMA", (2,)), ("SLOPE", (14,)), ("SLOPE", (2,)),
    ("MOM", (10,)), ("MOM", (2,)), ("WILLR", (14,)), ("WILLR", (2,)), ("AROON", (14,)), ("AROON", (2,)),
    ("DONCHIAN", (20,)), ("DONCHIAN", (2,)), ("KELTNER", (20, 2, 10)), ("KELTNER", (3, 1.5, 7)), ("TR", ()),
    ("NATR", (14,)), ("NATR", (2,)), ("STDDEV", (20,)), ("STDDEV", (3,)), ("ZSCORE", (20,)), ("ZSCORE", (3,)),
    ("MFI", (14,)), ("AD", ()), ("CMF", (20,)), ("CMF", (2,)), ("RVOL", (20,)), ("RVOL", (3,)), ("CCI", (20,)),
    ("CCI", (3,)), ("SAR", (0.02, 0.2)), ("SAR", (0.1, 0.15)),
]  # fmt: skip


# What is computed of differences of prices rounds on the scale of the prices.
_OF_PRICES = {"MACD", "BBANDS", "MOM", "SLOPE", "TR", "STDDEV", "HMA", "KELTNER"}


@pytest.mark.parametrize("tape", TAPES)
@pytest.mark.parametrize(("name", "params"), CASES)
def test_T18_every_value_equals_talib_from_the_same_candle_on(name: str, params: tuple[float, ...], tape: str) -> None:
    close = TAPES[tape]
    spread = np.abs(np.sin(np.arange(len(close)))) * close * 0.01
    high, low = close + spread, close - spread
    volume = np.random.default_rng(7).integers(0, 5000, len(close)).astype(float)
    found = _stream(name, params, high, low, close, volume)
    expected = np.column_stack(talib_values(name, params, high, low, close, volume))
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    first = INDICATORS[name].first_value(params)
    assert np.isnan(found[: first - 1]).all()
    if len(close) < first:
        return
    assert np.isfinite(found[first - 1]).all()
    # The bands' and MACD's scale is that of the prices they are differences of.
    scale = close[:, None] if name in _OF_PRICES else np.maximum(np.abs(expected), 1e-300)
    if name == "CCI":
        scale = np.full_like(scale, 100.0)
    if name == "MFI":
        # TA-Lib's running sums leave a rounding of them where one side of the flow has been 0 for a window.
        scale = np.full_like(scale, 100.0)
    # TA-Lib sums squares of prices: of a flat market it gives a deviation of its own rounding, up to 1e-8.
    exact = np.full(len(close), fill_value=True)
    if name in ("BBANDS", "STDDEV"):
        period = int(params[0])
        exact[period - 1 :] = np.ptp(np.lib.stride_tricks.sliding_window_view(close, period), axis=1) > 0
    assert np.nanmax((np.abs(found - expected) / scale)[exact]) < 1e-9


def test_T18_the_example_of_the_contract() -> None:
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28]
    close = np.array(closes)
    assert _stream("RSI", (14,), close, close, close)[-1, 0] == pytest.approx(70.464135, abs=1e-6)


def test_T18_rsi_before_the_first_change_is_unknown_where_talib_says_0() -> None:
    close = np.concatenate((np.full(30, 50.0), [51.0, 51.0]))
    assert talib.RSI(close, 14)[29] == 0
    found = _stream("RSI", (14,), close, close, close)[:, 0]
    assert np.isnan(found[:30]).all()
    assert found[30] == 100


def test_T18_a_market_flat_after_moving_keeps_its_last_rsi() -> None:
    close = np.concatenate((_walk(40), np.full(CAP - 100, 77.0)))
    found = _stream("RSI", (14,), close, close, close)[:, 0]
    assert found[-1] == pytest.approx(found[40], rel=1e-9)


def test_T18_bands_of_a_flat_market_have_no_width() -> None:
    close = np.full(60, 100.01)
    upper, middle, lower = _stream("BBANDS", (20, 2), close, close, close)[-1]
    assert upper == middle == lower == 100.01


def test_T18_stoch_of_a_window_without_a_range_is_unknown_where_talib_says_0_and_its_average_with_it() -> None:
    close = np.concatenate((_walk(20), np.full(20, 50.0), _walk(20)))
    found = _stream("STOCH", (5, 1, 3), close, close, close)
    expected = np.column_stack(talib.STOCH(close, close, close, fastk_period=5, slowk_period=1, slowd_period=3))
    # Five equal candles from the 25th on; the average sees such a share for two candles more.
    assert np.isnan(found[24:40, 0]).all()
    assert (expected[24:40, 0] == 0).all()
    assert np.isnan(found[24:42, 1]).all()
    known = ~np.isnan(found)
    assert known[42:].all()
    assert np.abs(found[known] - expected[known]).max() < 1e-9


def test_T18_percent_r_and_money_flow_of_nothing_are_unknown_where_talib_says_0() -> None:
    close = np.concatenate((_walk(20), np.full(20, 50.0)))
    assert talib.WILLR(close, close, close, 5)[-1] == 0
    assert talib.MFI(close, close, close, close, 5)[-1] == 0
    assert np.isnan(_stream("WILLR", (5,), close, close, close)[-1, 0])
    assert np.isnan(_stream("MFI", (5,), close, close, close)[-1, 0])


@pytest.mark.parametrize("name", ["ADX", "PLUSDI", "MINUSDI"])
def test_T18_direction_without_any_range_is_unknown_where_talib_says_0_and_goes_on_as_talib(name: str) -> None:
    close = np.concatenate((np.full(40, 50.0), _walk(60)))
    found = _stream(name, (14,), close, close, close)[:, 0]
    expected = talib_values(name, (14,), close, close, close, close)[0]
    assert np.isnan(found[:40]).all()
    assert expected[39] == 0
    assert np.abs(found[40:] - expected[40:]).max() < 1e-9


_FORMING = (
    "SMA_3", "EMA_3", "RSI_3", "ATR_3", "MACD_2_4_2", "BBANDS_3_2", "STOCH_3_2", "STOCH_3_2_2", "ADX_3", "PLUSDI_3",
    "MINUSDI_3", "ROC_3", "OBV", "WMA_3", "HMA_4", "DEMA_3", "TEMA_3", "KAMA_3", "SLOPE_3", "MOM_3", "WILLR_3",
    "AROON_3", "DONCHIAN_3", "KELTNER_3_2_4", "TR", "NATR_3", "STDDEV_3", "ZSCORE_3", "MFI_3", "AD", "CMF_3", "RVOL_3",
    "CCI_3", "SAR", "SAR_0.1_0.15",
)  # fmt: skip


def test_T18_the_forming_value_is_what_talib_would_give_if_the_candle_closed_now() -> None:
    p = player()
    columns = [c for name in _FORMING for c in columns_of(name)]
    p.engine.watch([(column, "1m") for column in columns])
    prices = _walk(40).round(2)
    bars: list[list[float]] = []
    for minute in range(10):
        bars.append([])
        for n in range(4):
            value = float(prices[4 * minute + n])
            bars[-1].append(value)
            p.trade(f"10:{minute:02d}:{10 * n:02d}", value, float(n + 1))
            high, low = np.array([max(b) for b in bars]), np.array([min(b) for b in bars])
            close = np.array([b[-1] for b in bars])
            volume = np.array([sum(range(1, len(b) + 1)) for b in bars], np.float64)
            values = p.engine.market()[0].values
            for column in columns:
                parsed = parse_column(column)
                expected = talib_values(parsed.definition.name, parsed.params, high, low, close, volume)[parsed.index][
                    -1
                ]
                found = values[f"{column}@1m"]
                assert (found is None) == math.isnan(expected), column
                assert found is None or found == pytest.approx(expected, rel=1e-9, abs=1e-9), column


@pytest.mark.parametrize(
    ("name", "params", "first", "stable"),
    [
        ("SMA", (20,), 20, 20), ("EMA", (20,), 20, 89), ("RSI", (14,), 15, 112), ("ATR", (14,), 15, 112),
        ("MACD", (12, 26, 9), 34, 155), ("BBANDS", (20, 2), 20, 20), ("STOCH", (14, 1, 3), 16, 16),
        ("STOCH", (14, 3, 3), 18, 18),
        ("ADX", (14,), 28, 222),
        ("ROC", (10,), 11, 11), ("OBV", (), 1, 1),
    ],
)  # fmt: skip
def test_T18_how_many_candles_until_a_value_and_until_it_is_stable(
    name: str, params: tuple[float, ...], first: int, stable: int
) -> None:
    definition = INDICATORS[name]
    assert (definition.first_value(params), definition.stable(params)) == (first, stable)


def test_T18_a_provisional_value_is_flagged_and_unknown_where_stable_is_required() -> None:
    leaf = {"indicator": "EMA_2", "operator": ">", "value": 100}
    for require_stable, fired in ((False, ["10:02:02"]), (True, [])):
        spec = trigger({"conditions": [leaf], "require_stable": require_stable}, agent_type="technical_trigger")
        p = player(spec).prints(("10:00:01", 90), ("10:01:01", 90), ("10:02:01", 90), ("10:02:02", 200))
        assert p.fired_at() == fired
        assert all("provisional" in f.evidence.flags for f in p.firings)
        # 2 + 3.45 * 2, rounded up: stable from the ninth candle on.
        for minute in range(3, 9):
            p.trade(f"10:0{minute}:01", 90)
        p.trade("10:08:02", 500)
        assert p.fired_at() == [*fired, "10:08:02"]
        assert "provisional" not in p.firings[-1].evidence.flags


def test_every_indicator_stands_in_the_registry_under_its_own_name_and_number() -> None:
    assert all(name == definition.name for name, definition in INDICATORS.items())
    kinds = list(KINDS.values())
    assert len(set(kinds)) == len(kinds)
    assert all(len(definition.params) <= 4 for definition in INDICATORS.values())


@pytest.mark.parametrize("text", ["SMA", "SMA_x", "FOO_2", "MACD_12_26_9", "SMA_20.upper", "RSI_14_2", ""])
def test_a_column_that_is_none_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown indicator|takes|outputs|numbers"):
        parse_column(text)


def test_columns_of_a_name_are_its_outputs_with_all_numbers() -> None:
    assert columns_of("MACD") == ("MACD_12_26_9.line", "MACD_12_26_9.signal", "MACD_12_26_9.histogram")
    assert columns_of("BBANDS_20_2.5") == ("BBANDS_20_2.5.upper", "BBANDS_20_2.5.middle", "BBANDS_20_2.5.lower")
    assert parse_column("BBANDS_20_2.5.lower").params == (20, 2.5)
    assert columns_of("RSI") == ("RSI_14",)
