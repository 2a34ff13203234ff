"""The indicators of the contract's table, as the grammar reads them: forms, defaults, outputs, signals, remarks."""

from __future__ import annotations

import pytest

from engine.condition import Group, Leaf, Operand
from engine.indicators.column import parse_column
from engine.indicators.registry import INDICATORS
from engine.lint import FeedData, lint
from engine.words import operand_words
from tests.unit.engine.grammar_cases import Json, parse, technical


def leaf_of(**leaf: object) -> Leaf:
    condition = parse("technical_trigger", {"conditions": [leaf]}).condition
    assert isinstance(condition, Group)
    assert isinstance(condition.children[0], Leaf)
    return condition.children[0]


def column_of(text: str) -> str:
    return leaf_of(operand=text, operator=">", value=1).left.column


@pytest.mark.parametrize(
    ("written", "column", "first_value"),
    [
        ("RSI", "RSI_14", 15),
        ("ATR", "ATR_14", 15),
        ("SMA_20", "SMA_20", 20),
        ("EMA_20", "EMA_20", 20),
        ("MACD.histogram", "MACD_12_26_9.histogram", 34),
        ("BBANDS.upper", "BBANDS_20_2.upper", 20),
        ("BBANDS_20_2.5.lower", "BBANDS_20_2.5.lower", 20),
        ("STOCH.k", "STOCH_14_3.k", 16),
        ("STOCH_14_3.d", "STOCH_14_3.d", 16),
        ("STOCH_14_1_3.d", "STOCH_14_3.d", 16),
        ("STOCH_14_3_3.k", "STOCH_14_3_3.k", 18),
        ("ADX", "ADX_14", 28),
        ("OBV", "OBV", 1),
        ("ROC", "ROC_10", 11),
    ],
)
def test_T18_a_name_stands_for_its_numbers_and_its_first_value(written: str, column: str, first_value: int) -> None:
    assert column_of(written) == column
    found = parse_column(column)
    assert found.definition.first_value(found.params) == first_value


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("STOCH_14.k", "STOCH takes 2, as in STOCH_14_3, or 3"),
        ("STOCH_14_3_3_3.k", "STOCH takes 2"),
        ("STOCH", "STOCH has .k .d"),
        ("STOCH.signal", "STOCH has .k .d"),
        ("OBV_3", "OBV takes no number"),
        ("ADX_1", "from 2 to 1000"),
        ("ROC_10_2", "ROC takes 1, as in ROC_10"),
    ],
)
def test_a_wrong_form_is_named_with_the_right_one(written: str, hint: str) -> None:
    problems = technical({"operand": written, "operator": ">", "value": 1})
    assert hint in problems["conditions[0].operand"]


def test_a_crossover_of_the_stochastic_is_k_over_d() -> None:
    found = leaf_of(indicator="STOCH_14_3_3@15m", signal="bearish_crossover")
    numbers = (14.0, 3.0, 3.0)
    assert found.left == Operand("STOCH", numbers, "k", "15m")
    assert found.operator == "crosses_below"
    assert found.right == Operand("STOCH", numbers, "d", "15m")
    assert operand_words(found.left) == "STOCH(14, 3, 3) k of 15m"


def test_the_contracts_nested_example_is_read_as_it_stands() -> None:
    config: Json = {
        "type": "technical_trigger", "timeframe": "5m", "evaluate": "candle_close", "cooldown_seconds": 1800,
        "all": [
            {"indicator": "RSI_14", "operator": "crosses_above", "value": 70, "within_candles": 3},
            {"operand": "price", "operator": ">", "value": "SMA_50@1h"},
            {"any": [
                {"operand": "price", "operator": "rises_by_pct", "value": 1.5, "candles": 6},
                {"operand": "close", "operator": "crosses_above", "value": "BBANDS_20_2.upper"},
            ]},
            {"not": {"indicator": "ADX_14", "operator": "<", "value": 20}},
        ],
    }  # fmt: skip
    spec = parse("technical_trigger", config)
    assert isinstance(spec.condition, Group)
    assert spec.condition.children[3] == Group(
        "not", (Leaf("all[3].not", Operand("ADX", (14.0,), "", "5m"), "<", 20.0, timeframe="5m"),)
    )
    warm_up = [remark.text for remark in lint(spec, feed=FeedData(whole_volume=True))]
    adx = INDICATORS["ADX"]
    stable = adx.stable((14.0,))
    assert warm_up == [
        f"ADX_14 needs 28 candles of 5m to warm up, {stable} until it is stable",
        "SMA_50 needs 50 candles of 1h to warm up",
    ]


def test_the_level_of_obv_is_remarked_but_not_its_comparison_with_another_value() -> None:
    def texts(value: object) -> list[str]:
        leaf = {"indicator": "OBV", "operator": ">", "value": value}
        return [remark.text for remark in lint(parse("technical_trigger", {"all": [leaf]}))]

    assert any("a number means little" in text for text in texts(1000))
    assert not any("a number means little" in text for text in texts("volume"))
    assert any("the feed carries" in text for text in texts("volume"))
