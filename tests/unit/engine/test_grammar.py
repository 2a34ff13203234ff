"""What valid triggers mean: the forms of SEMANTICS "Grammar"."""

from __future__ import annotations

import pytest

from engine.condition import Cron, Group, Hold, Leaf, MarketHours, Operand, SpecificTime
from tests.unit.engine.grammar_cases import RSI, Json, parse

FIVE, HOUR = "5m", "1h"
RSI_14 = Operand("RSI", (14,), "", FIVE)


def leaves_of(config: Json, agent_type: str = "technical_trigger") -> list[Leaf]:
    condition = parse(agent_type, config).condition
    assert isinstance(condition, Group)
    return [child for child in condition.children if isinstance(child, Leaf)]


def leaf_of(**leaf: object) -> Leaf:
    return leaves_of({"conditions": [leaf]})[0]


def test_the_seeds_technical_form_is_unchanged() -> None:
    config: Json = {
        "type": "technical_trigger",
        "conditions": [RSI, {"indicator": "MACD", "signal": "bullish_crossover"}],
        "logic": "AND",
    }
    spec = parse("technical_trigger", config)
    macd = (12.0, 26.0, 9.0)
    assert spec.condition == Group(
        "all",
        (
            Leaf("conditions[0]", RSI_14, ">", 70.0, timeframe=FIVE),
            Leaf(
                "conditions[1]",
                Operand("MACD", macd, "line", FIVE),
                "crosses_above",
                Operand("MACD", macd, "signal", FIVE),
                timeframe=FIVE,
            ),
        ),
    )
    assert (spec.evaluate, spec.fire, spec.kind) == ("tick", "once_per_candle", "technical")
    assert spec.trigger_id == "3f0f6c2e-0c0b-4f9e-9d7b-6a8a0d6a3c11/node-1"


def test_a_price_trigger_is_one_leaf_on_the_price() -> None:
    spec = parse(
        "price_trigger",
        {
            "type": "price_trigger",
            "operator": "crosses_above",
            "value": 190.00,
            "fire": "every_edge",
            "cooldown_seconds": 300,
        },
    )
    assert spec.condition == Leaf("config", Operand("price"), "crosses_above", 190.0, timeframe=FIVE)
    assert (spec.fire, spec.cooldown_ms, spec.kind) == ("every_edge", 300_000, "price")


def test_a_price_trigger_may_watch_another_field_on_its_own_timeframe() -> None:
    spec = parse("price_trigger", {"operand": "vwap", "operator": "<", "value": 5, "timeframe": "1h"})
    assert spec.condition == Leaf("config", Operand("vwap", timeframe=HOUR), "<", 5.0, timeframe=HOUR)


def test_the_nested_form_keeps_its_tree_and_its_paths() -> None:
    spec = parse(
        "technical_trigger",
        {
            "timeframe": "5m",
            "evaluate": "candle_close",
            "cooldown_seconds": 1800,
            "all": [
                {"indicator": "RSI_14", "operator": "crosses_above", "value": 70, "within_candles": 3},
                {"operand": "price", "operator": ">", "value": "SMA_50@1h"},
                {
                    "any": [
                        {"operand": "price", "operator": "rises_by_pct", "value": 1.5, "candles": 6},
                        {"operand": "close", "operator": "crosses_above", "value": "BBANDS_20_2.upper"},
                    ]
                },
                {"not": {"indicator": "RSI_14@15m", "operator": "<", "value": 20}},
            ],
        },
    )
    condition = spec.condition
    assert isinstance(condition, Group)
    assert condition.kind == "all"
    cross, above, either, no = condition.children
    assert cross == Leaf("all[0]", RSI_14, "crosses_above", 70.0, timeframe=FIVE, within_candles=3)
    assert above == Leaf("all[1]", Operand("price"), ">", Operand("SMA", (50,), "", HOUR), timeframe=FIVE)
    assert isinstance(either, Group)
    assert [child.path for child in either.children if isinstance(child, Leaf)] == [
        "all[2].any[0]",
        "all[2].any[1]",
    ]
    assert no == Group("not", (Leaf("all[3].not", Operand("RSI", (14,), "", "15m"), "<", 20.0, timeframe="15m"),))


def test_logic_or_makes_an_any_group() -> None:
    condition = parse("technical_trigger", {"conditions": [RSI], "logic": "OR"}).condition
    assert isinstance(condition, Group)
    assert condition.kind == "any"


def test_the_leafs_candle_is_its_own_timeframe_else_that_of_its_left_operand_else_the_triggers() -> None:
    own = leaf_of(operand="close", operator=">", value="SMA_20", timeframe="15m")
    assert (own.timeframe, own.left.timeframe) == ("15m", "15m")
    assert isinstance(own.right, Operand)
    assert own.right.timeframe == "15m"
    of_left = leaf_of(operand="close@1h", operator=">", value="SMA_20")
    assert of_left.timeframe == "1h"
    assert isinstance(of_left.right, Operand)
    assert of_left.right.timeframe == "5m"
    assert leaf_of(operand="price", operator=">", value=1).timeframe == "5m"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("RSI", "RSI_14@5m"),
        ("RSI_7@1h", "RSI_7@1h"),
        ("ATR", "ATR_14@5m"),
        ("MACD.histogram", "MACD_12_26_9.histogram@5m"),
        ("MACD_5_35_5.line@1d", "MACD_5_35_5.line@1d"),
        ("BBANDS.lower", "BBANDS_20_2.lower@5m"),
        ("BBANDS_20_2.5.upper@15m", "BBANDS_20_2.5.upper@15m"),
        ("SMA_020", "SMA_20@5m"),
        ("close@4h", "close@4h"),
        ("price", "price"),
    ],
)
def test_operands_have_one_canonical_name(text: str, column: str) -> None:
    assert str(leaf_of(operand=text, operator=">", value=1).left) == column


def test_indicator_and_operand_are_two_words_for_the_same_field() -> None:
    assert leaf_of(operand="RSI", operator=">", value=70) == leaf_of(**RSI)


def test_a_range_keeps_its_two_ends_numbers_or_operands() -> None:
    leaf = leaf_of(operand="price", operator="inside", value=["BBANDS.lower", 200])
    assert str(leaf.right) == "BBANDS_20_2.lower@5m"
    assert leaf.upper == 200.0


def test_signals_become_crossings() -> None:
    bearish = leaf_of(indicator="MACD_5_10_3@15m", signal="bearish_crossover", within_candles=2)
    assert (str(bearish.left), bearish.operator, str(bearish.right)) == (
        "MACD_5_10_3.line@15m",
        "crosses_below",
        "MACD_5_10_3.signal@15m",
    )
    assert (bearish.timeframe, bearish.within_candles) == ("15m", 2)
    golden = leaf_of(signal="golden_cross")
    assert (str(golden.left), golden.operator, str(golden.right)) == (
        "SMA_50@5m",
        "crosses_above",
        "SMA_200@5m",
    )
    death = leaf_of(indicator="EMA", signal="death_cross", fast=9, slow=21, timeframe="1h")
    assert (str(death.left), death.operator, str(death.right)) == ("EMA_9@1h", "crosses_below", "EMA_21@1h")


def test_the_common_fields_are_read() -> None:
    spec = parse(
        "technical_trigger",
        {
            "conditions": [{"operand": "price", "operator": ">=", "value": 1, "hysteresis": 0.5}],
            "timeframe": "1h",
            "evaluate": "candle_close",
            "fire": "once",
            "session": "extended",
            "cooldown_seconds": 1.5,
            "max_firings_per_session": 3,
            "max_firings": 9,
            "hold": {"candles": 2},
            "rearm": "next_session",
            "valid_from": "2025-03-10T09:30:00-04:00",
            "valid_until": "2025-03-10T20:00:00Z",
            "after_gap": "fire",
            "require_stable": True,
        },
    )
    assert spec.hold == Hold(candles=2)
    assert (spec.valid_from_ms, spec.valid_until_ms) == (1741613400000, 1741636800000)
    assert (spec.cooldown_ms, spec.max_firings_per_session, spec.max_firings) == (1500, 3, 9)
    assert (spec.session, spec.rearm, spec.after_gap, spec.require_stable) == (
        "extended",
        "next_session",
        "fire",
        True,
    )


def test_null_is_the_same_as_leaving_a_field_out() -> None:
    with_null = {"operator": ">", "value": 1, "hold": None, "timeframe": None, "max_firings": None}
    assert parse("price_trigger", with_null) == parse("price_trigger", {"operator": ">", "value": 1})


def test_the_timeframe_is_the_triggers_else_the_pipelines_else_5m() -> None:
    config = {"operator": ">", "value": 1}
    assert parse("price_trigger", config, primary_timeframe="1h").timeframe == "1h"
    assert parse("price_trigger", config, primary_timeframe=None).timeframe == "5m"
    assert parse("price_trigger", {**config, "timeframe": "1d"}, primary_timeframe="1h").timeframe == "1d"


def test_time_triggers_keep_zone_and_wall_time() -> None:
    opening = parse("time_trigger", {"schedule": {"type": "market_hours", "market": "US", "offset_minutes": 5}})
    assert opening.schedule is not None
    assert opening.schedule.when == MarketHours("XNYS", "open", 5)
    morning = parse(
        "time_trigger",
        {
            "schedule": {
                "type": "specific_time",
                "time": "09:45",
                "timezone": "America/New_York",
                "days": ["wed", "mon"],
                "market": "US",
            }
        },
    )
    assert morning.schedule is not None
    assert morning.schedule.when == SpecificTime(9, 45, 0, "America/New_York", (0, 2), "", "XNYS")
    quarter = parse(
        "time_trigger",
        {
            "schedule": {
                "type": "cron",
                "expression": " */15  9-15 * * 1-5",
                "timezone": "America/New_York",
                "missed": "run_once",
                "missed_grace_seconds": 5,
            },
            "cooldown_seconds": 60,
        },
    )
    assert quarter.schedule is not None
    assert quarter.schedule.when == Cron("*/15 9-15 * * 1-5", "America/New_York")
    assert (quarter.schedule.missed, quarter.schedule.missed_grace_ms) == ("run_once", 5_000)
    assert quarter.cooldown_ms == 60_000


def test_news_triggers_keep_words_sources_and_age() -> None:
    spec = parse(
        "news_trigger",
        {
            "match": {"any": ["guidance", "merger"], "none": ["webinar"]},
            "sources": ["Reuters"],
            "max_age_minutes": 10,
        },
    )
    assert spec.news is not None
    assert (spec.news.any, spec.news.none, spec.news.sources) == (
        ("guidance", "merger"),
        ("webinar",),
        ("Reuters",),
    )
    assert spec.news.max_age_ms == 600_000
    assert parse("news_trigger", {}).news is not None
