"""Triggers as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cron_words import cron_words
from engine.words import duration_words, trigger_words
from tests.unit.engine.grammar_cases import parse


def words(agent_type: str, **config: object) -> str:
    return trigger_words(parse(agent_type, config))


def test_the_seeds_example_reads_as_a_sentence() -> None:
    assert words(
        "technical_trigger",
        conditions=[
            {"indicator": "RSI", "operator": ">", "value": 70},
            {"indicator": "MACD", "signal": "bullish_crossover"},
        ],
    ) == (
        "fires when RSI(14) of 5m is above 70 and "
        "MACD(12, 26, 9) line of 5m crosses above MACD(12, 26, 9) signal of 5m, at most once a 5m candle"
    )


def test_a_price_trigger_with_cooldown() -> None:
    assert (
        words("price_trigger", operator="crosses_above", value=190.25, fire="every_edge", cooldown_seconds=300)
        == "fires when price crosses above 190.25, each time it becomes true, not again within 5 minutes"
    )


def test_nested_groups_are_bracketed_and_a_negation_is_said_plainly() -> None:
    assert words(
        "technical_trigger",
        evaluate="candle_close",
        all=[
            {"indicator": "RSI", "operator": "crosses_above", "value": 70, "within_candles": 3},
            {
                "any": [
                    {"operand": "price", "operator": "rises_by_pct", "value": 1.5, "candles": 6},
                    {"operand": "close", "operator": "inside", "value": [1, "BBANDS.upper@1h"]},
                ]
            },
            {"not": {"indicator": "ATR", "operator": "<", "value": 2}},
            {"not": {"any": [{"operand": "price", "operator": "crosses_below", "value": 1}]}},
        ],
    ) == (
        "fires when RSI(14) of 5m crosses above 70 (counts for 3 candles of 5m) and "
        "(price rises by 1.5 % within 6 candles of 5m or "
        "close of 5m is between 1 and BBANDS(20, 2) upper of 1h) and "
        "ATR(14) of 5m is not below 2 and not (price crosses below 1), "
        "judged at the close of each 5m candle, at most once a 5m candle"
    )


def test_hold_limits_and_life_span_are_said() -> None:
    assert words(
        "price_trigger",
        operator=">=",
        value=10,
        hold={"trades": 2},
        fire="once",
        session="extended",
        max_firings_per_session=1,
        max_firings=3,
        valid_from="2025-03-10T09:30:00-04:00",
        valid_until="2025-03-11T00:00:00Z",
    ) == (
        "fires when price is at or above 10, and stays so for 2 trades, once, also in extended hours, "
        "at most once a session, at most 3 times in all, from 2025-03-10 13:30 UTC, until 2025-03-11 00:00 UTC"
    )


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            {"type": "market_hours", "market": "US", "event": "open", "offset_minutes": 5},
            "fires 5 minutes after the open of XNYS",
        ),
        (
            {"type": "market_hours", "market": "XLON", "event": "close", "offset_minutes": -60},
            "fires 1 hour before the close of XLON",
        ),
        (
            {"type": "specific_time", "time": "09:45", "timezone": "UTC", "days": ["mon", "wed"], "market": "US"},
            "fires every Monday and Wednesday at 09:45 UTC, on days on which XNYS is open",
        ),
        (
            {"type": "specific_time", "time": "09:45:30", "timezone": "UTC", "date": "2025-03-10"},
            "fires on 2025-03-10 at 09:45:30 UTC",
        ),
        ({"type": "cron", "expression": "* * * * *", "timezone": "UTC"}, "fires every minute in UTC"),
        (
            {"type": "cron", "expression": "*/15 9-15 * * 1-5", "timezone": "America/New_York"},
            "fires every 15 minutes from 09:00 to 15:59 on Monday to Friday in America/New_York",
        ),
    ],
)
def test_schedules(schedule: dict[str, object], said: str) -> None:
    assert words("time_trigger", schedule=schedule) == said


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("*/5 * * * *", "every 5 minutes"),
        ("* 9 * * *", "every minute from 09:00 to 09:59"),
        ("30 9 * * 1", "at 09:30 on Monday"),
        ("0,30 9,16 * * *", "at 09:00, 09:30, 16:00 and 16:30"),
        ("15 * * * mon,WED", "every hour at minute 15 on Monday and Wednesday"),
        ("5 9-16 * * *", "every hour at minute 5 from 09:00 to 16:59"),
        ("0 0 * * 0,7", "at 00:00 on Sunday"),
        ("0 0 * * sat-sun", "by the cron '0 0 * * sat-sun'"),
        ("*/7 * * * *", "by the cron '*/7 * * * *'"),
        ("0 0 1 * *", "by the cron '0 0 1 * *'"),
        ("0 9 * * 5#2", "by the cron '0 9 * * 5#2'"),
        ("0-5 9 * * *", "by the cron '0-5 9 * * *'"),
    ],
)
def test_common_crons_are_said_as_people_say_them(expression: str, said: str) -> None:
    assert cron_words(expression) == said


def test_what_happens_after_a_gap_and_before_indicators_settle_is_said() -> None:
    leaf = {"indicator": "RSI", "operator": "outside", "value": [30, 70]}
    said = words("technical_trigger", all=[leaf], require_stable=True, after_gap="fire", fire="once")
    assert said == (
        "fires when RSI(14) of 5m is outside 30 to 70, once, with settled indicators only, "
        "also when it came true while the feed was away"
    )
    schedule = {"type": "market_hours", "missed": "run_once"}
    assert words("time_trigger", schedule=schedule) == "fires at the open of XNYS, late where it was missed"


def test_news() -> None:
    assert words("news_trigger") == "fires when news comes in, not older than 30 minutes"
    assert words(
        "news_trigger",
        match={"any": ["guidance", "merger"], "none": ["webinar"]},
        sources=["Reuters"],
        cooldown_seconds=600,
    ) == (
        "fires when news with 'guidance' or 'merger' without 'webinar' from Reuters comes in, "
        "not older than 30 minutes, not again within 10 minutes"
    )
    assert words("news_trigger", sentiment="negative", sentiment_score=2, sources=["AP"]) == (
        "fires when negative news of a score of 2 or more from AP comes in, not older than 30 minutes"
    )


@pytest.mark.parametrize(
    ("ms", "said"),
    [(500, "0.5 seconds"), (1000, "1 second"), (90_000, "90 seconds"), (3_600_000, "1 hour"), (0, "0 seconds")],
)
def test_durations_take_the_largest_whole_unit(ms: int, said: str) -> None:
    assert duration_words(ms) == said


@given(value=st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_a_threshold_is_said_exactly(value: float) -> None:
    said = words("price_trigger", operator=">", value=value)
    assert float(said.removeprefix("fires when price is above ").partition(",")[0]) == value
