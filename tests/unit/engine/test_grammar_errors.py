"""One test for each validation error of SEMANTICS: the path, and what would be right."""

from __future__ import annotations

import json

import pytest

from engine.grammar import InvalidTrigger
from tests.unit.engine.grammar_cases import RSI, parse, price, problems_of, technical, timed

CRON = {"type": "cron", "expression": "* * * * *", "timezone": "UTC"}


def leaf(**fields: object) -> dict[str, str]:
    return technical({"operand": "price", "operator": ">", "value": 1, **fields})


@pytest.mark.parametrize(
    ("problems", "path", "hint"),
    [
        (technical(RSI, colour="red"), "colour", "known here"),
        (technical(RSI, cooldown_second=1), "cooldown_second", "did you mean 'cooldown_seconds'"),
        (leaf(treshold=2), "conditions[0].treshold", "known here"),
        (technical(RSI, type="price_trigger"), "type", "technical_trigger"),
        (leaf(operator="=>"), "conditions[0].operator", "one of >, >="),
        (leaf(operator="cross_above"), "conditions[0].operator", "did you mean 'crosses_above'"),
        (leaf(operand="RSY"), "conditions[0].operand", "did you mean 'RSI'"),
        (leaf(operand="MACD.hist"), "conditions[0].operand", "did you mean 'histogram'"),
        (leaf(operand="RSI.line"), "conditions[0].operand", "no outputs"),
        (leaf(operand="RSI@2m"), "conditions[0].operand", "one of @1m"),
        (technical(RSI, timeframe="2m"), "timeframe", "one of 1m"),
        (leaf(timeframe="5min"), "conditions[0].timeframe", "did you mean '5m'"),
        (
            technical({"indicator": "MACD", "signal": "bulish_crossover"}),
            "conditions[0].signal",
            "did you mean 'bullish_crossover'",
        ),
        (timed(type="market_hours", market="MOON"), "schedule.market", "XNYS"),
        (timed(**{**CRON, "timezone": "America/NewYork"}), "schedule.timezone", "America/New_York"),
        (timed(**{**CRON, "timezone": "America"}), "schedule.timezone", "tz database"),
        (timed(**{**CRON, "timezone": "../etc/passwd"}), "schedule.timezone", "tz database"),
        (leaf(operand="SMA"), "conditions[0].operand", "SMA needs a period: SMA_20"),
        (leaf(operand="MACD"), "conditions[0].operand", "MACD has .line .signal .histogram"),
        (leaf(operand="SMA_1"), "conditions[0].operand", "from 2 to 1000"),
        (leaf(operand="SMA_1001"), "conditions[0].operand", "from 2 to 1000"),
        (leaf(operand="SMA_2.5"), "conditions[0].operand", "whole"),
        (leaf(operand="BBANDS_20_0.01.upper"), "conditions[0].operand", "from 0.1 to 10"),
        (leaf(operand="BBANDS_20_2.000001.upper"), "conditions[0].operand", "four decimals"),
        (leaf(operand="MACD_26_12_9.line"), "conditions[0].operand", "fast"),
        (leaf(operand="MACD_12_26.line"), "conditions[0].operand", "MACD_12_26_9"),
        (
            technical({"indicator": "MACD", "signal": "bullish_crossover", "value": 1}),
            "conditions[0].value",
            "a signal takes no value",
        ),
        (technical({"indicator": "RSI", "operator": ">"}), "conditions[0].value", "value, or signal"),
        (leaf(value=[1, 2]), "conditions[0].value", "not a list"),
        (leaf(operator="inside", value=5), "conditions[0].value", "[lo, hi]"),
        (leaf(operator="inside", value=[9, 5]), "conditions[0].value", "lo is above hi"),
        (leaf(value=float("nan")), "conditions[0].value", "finite"),
        (leaf(value=float("inf")), "conditions[0].value", "finite"),
        (leaf(value=10**400), "conditions[0].value", "finite"),
        (leaf(value="70"), "conditions[0].value", "without quotes"),
        (leaf(value=True), "conditions[0].value", "write a number"),
        (leaf(operand="70"), "conditions[0].operand", "without quotes"),
        (leaf(operator="rises_by_pct", value=2), "conditions[0].candles", "needs candles"),
        (leaf(operator="falls_by_pct", value=0, candles=3), "conditions[0].value", "more than 0"),
        (leaf(operator="falls_by_pct", value="SMA_20", candles=3), "conditions[0].value", "in percent"),
        (leaf(candles=3), "conditions[0].candles", "rises_by_pct"),
        (leaf(within_candles=3), "conditions[0].within_candles", "crosses_above"),
        (leaf(operand="price@1h"), "conditions[0].operand", "belongs to no candle"),
        (leaf(operator="inside", value=[1, 2], hysteresis=1), "conditions[0].hysteresis", "one threshold"),
        (leaf(hysteresis=-1), "conditions[0].hysteresis", "at least 0"),
        (technical(), "conditions", "at least one"),
        (problems_of("technical_trigger", {"any": []}), "any", "at least one"),
        (problems_of("technical_trigger", {}), "conditions", "all, any, not"),
        (technical(RSI, any=[RSI]), "any", "not several"),
        (problems_of("technical_trigger", {"any": [RSI], "logic": "OR"}), "logic", "goes with conditions"),
        (technical(RSI, hold={"candles": 2}), "hold.candles", "candle_close"),
        (technical(RSI, hold={"trades": 2}, evaluate="candle_close"), "hold.trades", "tick"),
        (technical(RSI, hold={}), "hold", "exactly one"),
        (technical(RSI, hold={"seconds": 1, "trades": 1}), "hold", "exactly one"),
        (technical(RSI, hold={"seconds": 0}), "hold.seconds", "more than 0"),
        (technical(RSI, hold={"seconds": 0.0001}), "hold.seconds", "a millisecond"),
        (technical(RSI, cooldown_seconds=-1), "cooldown_seconds", "at least 0"),
        (technical(RSI, max_firings_per_session=0), "max_firings_per_session", "at least 1"),
        (technical(RSI, max_firings=1.5), "max_firings", "whole"),
        (
            technical(RSI, valid_from="2025-03-10T10:00Z", valid_until="2025-03-10T10:00Z"),
            "valid_until",
            "after valid_from",
        ),
        (technical(RSI, valid_from="2025-03-10T10:00"), "valid_from", "no offset"),
        (technical(RSI, valid_from="soon"), "valid_from", "ISO 8601"),
        (timed(**{**CRON, "expression": "0 0 30 2 *"}), "schedule.expression", "never occurs"),
        (timed(**CRON, market="24/7"), "", ""),
        (timed(**{**CRON, "expression": "0 9 * * 0"}, market="US"), "schedule.expression", "never occurs"),
        (timed(**{**CRON, "expression": "61 * * * *"}), "schedule.expression", "cannot be read"),
        (timed(**{**CRON, "expression": "* * * * * *"}), "schedule.expression", "five fields"),
        (timed(**{**CRON, "expression": "R * * * *"}), "schedule.expression", "numbers, names"),
        (timed(type="cron", timezone="UTC"), "schedule.expression", "five fields"),
        (timed(type="cron", expression="* * * * *"), "schedule.timezone", "America/New_York"),
        (timed(type="weekly"), "schedule.type", "market_hours, specific_time, cron"),
        (timed(type="market_hours", offset_minutes=721), "schedule.offset_minutes", "at most 720"),
        (timed(type="market_hours", market="24/7"), "schedule.market", "never opens"),
        (timed(type="market_hours", event="lunch"), "schedule.event", "open, close"),
        (timed(type="specific_time", time="9:45", timezone="UTC"), "schedule.time", "09:45"),
        (timed(type="specific_time", time="24:00", timezone="UTC"), "schedule.time", "09:45"),
        (
            timed(type="specific_time", time="09:45", timezone="UTC", days=["monday"]),
            "schedule.days[0]",
            "did you mean 'mon'",
        ),
        (
            timed(type="specific_time", time="09:45", timezone="UTC", days=["sun"], market="US"),
            "schedule.days",
            "XNYS is open",
        ),
        (
            timed(type="specific_time", time="09:45", timezone="UTC", date="2025-02-29"),
            "schedule.date",
            "exists",
        ),
        (
            timed(type="specific_time", time="09:45", timezone="UTC", date="2025-12-25", market="US"),
            "schedule.date",
            "XNYS is open",
        ),
        (problems_of("time_trigger", {}), "schedule", "market_hours"),
        (problems_of("time_trigger", {"schedule": CRON, "hold": {"seconds": 1}}), "hold", "known here"),
        (problems_of("news_trigger", {"evaluate": "tick"}), "evaluate", "known here"),
        (problems_of("news_trigger", {"match": {"any": [""]}}), "match.any[0]", "not empty"),
        (problems_of("news_trigger", {"max_age_minutes": 0}), "max_age_minutes", "more than 0"),
        (problems_of("news_trigger", {"match": {}}), "match", "every item"),
        (problems_of("news_trigger", {"match": {"all": ["!?"]}}), "match.all[0]", "letters or digits"),
        (problems_of("news_trigger", {"match": {"all": ["a" * 101]}}), "match.all[0]", "at most 100"),
        (problems_of("news_trigger", {"match": {"any": [f"w{n}" for n in range(65)]}}), "match.any", "at most 64"),
        (problems_of("news_trigger", {"match": {"some": ["a"]}}), "match.some", "known here"),
        (problems_of("news_trigger", {"sentiment": "negativ"}), "sentiment", "did you mean 'negative'"),
        (problems_of("news_trigger", {"sentiment_score": 2}), "sentiment_score", "goes with sentiment"),
        (problems_of("news_trigger", {"sources": "Reuters"}), "sources", "a list"),
        (leaf(operand="bid"), "conditions[0].operand", "no quotes"),
        (leaf(operand="close[1]"), "conditions[0].operand", "reserved"),
        (leaf(operand="MSFT.close"), "conditions[0].operand", "one symbol"),
        (leaf(operand="BINANCE:BTCUSDT"), "conditions[0].operand", "one symbol"),
        (
            technical({"indicator": "RSI", "signal": "bullish_crossover"}),
            "conditions[0].indicator",
            "crosses_above",
        ),
        (
            technical({"indicator": "MACD_26_12_9", "signal": "bullish_crossover"}),
            "conditions[0].indicator",
            "fast",
        ),
        (technical({"signal": "golden_cross", "fast": 200, "slow": 50}), "conditions[0].fast", "below slow"),
        (technical({"indicator": "RSI", "signal": "golden_cross"}), "conditions[0].indicator", "SMA or EMA"),
        (leaf(indicator="RSI"), "conditions[0].indicator", "not both"),
        (technical("RSI > 70"), "conditions[0]", "write a comparison"),
        (price(operand="RSI"), "operand", "technical_trigger"),
        (price(value=None), "value", "write value"),
        (problems_of("time_triger", {}), "agent_type", "did you mean 'time_trigger'"),
        (problems_of("price_trigger", []), "", "an object"),
    ],
)
def test_a_mistake_is_named_with_its_path(problems: dict[str, str], path: str, hint: str) -> None:
    if hint:
        assert hint in problems[path]
    else:
        assert problems == {}


def test_groups_go_eight_deep_and_no_deeper() -> None:
    def nested(depth: int) -> dict[str, object]:
        return RSI if depth == 0 else {"not": nested(depth - 1)}

    assert problems_of("technical_trigger", nested(8)) == {}
    assert list(problems_of("technical_trigger", nested(9)).values()) == ["groups go at most 8 deep"]


def test_a_trigger_has_at_most_64_leaves() -> None:
    assert technical(*[RSI] * 64) == {}
    assert list(technical(*[RSI] * 70)) == ["conditions[64]"]


def test_every_problem_is_reported_not_only_the_first() -> None:
    problems = technical(
        {"indicator": "rsi", "operator": "=>", "value": "70"}, {"indicator": "SMA"}, cooldown_seconds=-1
    )
    assert {
        "conditions[0].indicator",
        "conditions[0].operator",
        "conditions[1].indicator",
        "conditions[1].operator",
        "cooldown_seconds",
    } <= set(problems)


def test_a_fault_of_both_sides_of_a_signal_is_reported_once() -> None:
    with pytest.raises(InvalidTrigger) as invalid:
        parse("technical_trigger", {"conditions": [{"indicator": "MACD_1_2_3", "signal": "bullish_crossover"}]})
    assert len({(p.path, p.expected) for p in invalid.value.problems}) == len(invalid.value.problems)


def test_the_message_shows_path_found_and_right() -> None:
    with pytest.raises(InvalidTrigger, match=r"^value: found '70'; write the number without quotes"):
        parse("price_trigger", json.loads('{"operator": ">", "value": "70"}'))
