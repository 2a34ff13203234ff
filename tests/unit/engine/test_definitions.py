"""What every indicator of the registry promises, judged by what the engine computes; a new one is judged at once.

TA-Lib judges the numbers themselves (tests/golden); here it is first value, ranges, names, signals, volume.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from engine.candles import HistoryColumns
from engine.condition import Group, Leaf
from engine.engine import Engine, EngineConfig
from engine.grammar.conditions import SIGNALS
from engine.indicators.column import columns_of, parse_column
from engine.indicators.definition import IndicatorDef
from engine.indicators.registry import INDICATORS, KINDS
from engine.words import operand_words
from tests.unit.engine.grammar_cases import parse
from tests.unit.engine.tape import SYMBOL, at

_CANDLES = 400
_MINUTE_MS = 60_000
_EACH = pytest.mark.parametrize("name", INDICATORS)


def written(definition: IndicatorDef) -> str:
    """The bare name, with 20 where a number is needed."""
    if definition.defaults is not None:
        return definition.name
    return definition.name + "".join(f"_{p.default or 20:g}" for p in definition.params)


@cache
def closed(*, seed: int = 1, volume_seed: int = 1) -> dict[str, list[float]]:
    """Every column of every indicator at each close of a random walk that falls, rises and jumps."""
    chance, volumes = np.random.default_rng(seed), np.random.default_rng(100 + volume_seed)
    close = 50 * np.exp(np.cumsum(chance.normal(0, 0.02, _CANDLES)))
    opens = np.concatenate(([50.0], close[:-1])) * (1 + chance.normal(0, 0.005, _CANDLES))
    high = np.maximum(opens, close) * (1 + chance.uniform(0, 0.01, _CANDLES))
    low = np.minimum(opens, close) * (1 - chance.uniform(0, 0.01, _CANDLES))
    volume = volumes.uniform(1, 100, _CANDLES)
    starts = at("00:00:00") + np.arange(_CANDLES, dtype=np.int64) * _MINUTE_MS
    columns = HistoryColumns(
        starts, opens, high, low, close, volume, (high + low + close) / 3, np.ones(_CANDLES, np.int64)
    )
    engine = Engine(EngineConfig(is_offline=True))
    names = [column for definition in INDICATORS.values() for column in columns_of(written(definition))]
    engine.watch([(name, "1m") for name in names])
    output = engine.on_history(SYMBOL, "regular", "1m", "test", columns)
    return {name: [candle.values[name] for candle in output.candles] for name in names}


@_EACH
def test_the_first_value_stands_where_the_definition_says(name: str) -> None:
    definition = INDICATORS[name]
    firsts: list[int] = []
    for column in columns_of(written(definition)):
        known = [not math.isnan(value) for value in closed()[column]]
        firsts.append(known.index(True) + 1)
        assert all(known[firsts[-1] - 1 :]), f"{column} is unknown again later"
    assert max(firsts) == definition.first_value(parse_column(columns_of(written(definition))[0]).params)


@_EACH
def test_stable_comes_no_earlier_than_the_first_value(name: str) -> None:
    definition = INDICATORS[name]
    params = parse_column(columns_of(written(definition))[0]).params
    assert definition.stable(params) >= definition.first_value(params) >= 1


@_EACH
def test_every_value_is_within_the_range_that_the_linter_believes(name: str) -> None:
    definition = INDICATORS[name]
    assert len(definition.ranges) in (0, 1, definition.width)
    for column, output in zip(columns_of(written(definition)), definition.outputs or ("",), strict=True):
        known = [value for value in closed()[column] if not math.isnan(value)]
        wanted = definition.range_of(output)
        # A value at its end may be a rounding error beyond it.
        slack = 1e-9 * max(1.0, *(abs(value) for value in known))
        assert wanted.low - slack <= min(known) <= max(known) <= wanted.high + slack, column


@_EACH
def test_it_says_whether_it_reads_the_volume(name: str) -> None:
    columns = columns_of(written(INDICATORS[name]))
    other = closed(volume_seed=2)
    differs = any(not np.array_equal(closed()[c], other[c], equal_nan=True) for c in columns)
    assert differs == INDICATORS[name].reads_volume


@_EACH
def test_its_signals_are_known_and_have_two_sides(name: str) -> None:
    definition = INDICATORS[name]
    assert set(definition.signals) <= set(SIGNALS)
    if "bullish_crossover" in definition.signals:
        assert definition.sides is not None
        assert set(definition.sides) <= set(definition.outputs)
    for signal in definition.signals:
        parse("technical_trigger", {"conditions": [{"indicator": name, "signal": signal}]})


@_EACH
def test_its_defaults_are_within_its_bounds_and_it_is_described(name: str) -> None:
    definition = INDICATORS[name]
    for param in definition.params:
        assert param.minimum < param.maximum
        assert param.default is None or param.minimum <= param.default <= param.maximum
        assert param.implied is None or param.minimum <= param.implied <= param.maximum
    assert definition.summary.endswith(".")
    assert len({*definition.outputs}) == len(definition.outputs)
    if definition.defaults is not None:
        assert definition.problem(definition.defaults) == ""


@_EACH
def test_the_canonical_name_reads_back_as_the_same_column(name: str) -> None:
    for written_name in columns_of(written(INDICATORS[name])):
        leaf = {"operand": f"{written_name}@1h", "operator": ">", "value": 1}
        condition = parse("technical_trigger", {"all": [leaf]}).condition
        assert isinstance(condition, Group)
        assert isinstance(condition.children[0], Leaf)
        operand = condition.children[0].left
        assert operand.column == written_name
        assert operand_words(operand).endswith(" of 1h")


def test_no_two_indicators_share_a_kernel() -> None:
    kinds = list(KINDS.values())
    assert len(set(kinds)) == len(kinds)
