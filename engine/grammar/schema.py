"""The grammar as JSON Schema (2020-12), made of the same tables that the parser reads: for forms and editors.

It tells keys, kinds of values, choices, bounds and defaults. What joins several fields (a lo above its hi, a
hold of the wrong kind, a cron that never occurs) only `parse_trigger` knows: a config that fits the schema may
still be refused, one that is accepted always fits it. No field that can be of several kinds has a default.
"""

from __future__ import annotations

from engine.condition import TIMEFRAMES
from engine.grammar.conditions import OPERATORS
from engine.grammar.news import KEYWORD_LISTS
from engine.grammar.schema_condition import comparison_fields, node_schema, nodes
from engine.grammar.schema_operand import field_schema, operand_schema
from engine.grammar.schema_schedule import schedule_schemas
from engine.grammar.schema_value import Json, choice, integer, number, object_of, reference, texts
from engine.grammar.trigger import AGENT_TYPES, EVALUATE, FIRE, GAPS, REARM, SESSIONS
from engine.sentiment import SENTIMENTS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MOST_CANDLES = 1000
_INSTANT = "ISO 8601 with offset, as in 2025-03-10T09:30:00-04:00."


def trigger_schema(agent_type: str) -> Json:
    """Return the schema of a trigger's `config`.

    Raises:
        KeyError: no such trigger.
    """
    made = {
        "time_trigger": _time, "technical_trigger": _technical, "price_trigger": _price, "news_trigger": _news,
    }[agent_type]()  # fmt: skip
    return {"$schema": _DRAFT, **made}


def trigger_schemas() -> dict[str, Json]:
    """Return the schemas of all triggers."""
    return {agent_type: trigger_schema(agent_type) for agent_type in AGENT_TYPES}


def _price() -> Json:
    fields = {
        "operand": {**field_schema(), "title": "Watch", "default": "price"},
        "operator": choice("Operator", OPERATORS),
        **comparison_fields(),
        **_market_fields(),
    }
    return object_of("Price trigger", _typed("price_trigger", fields), required=["operator", "value"])


def _technical() -> Json:
    fields = {
        "conditions": nodes("Conditions", "What must be true."),
        "logic": choice("Logic", ("AND", "OR"), "AND", "AND: all of the conditions. OR: one of them."),
        "all": nodes("All of", "Instead of conditions."),
        "any": nodes("Any of", "Instead of conditions."),
        "not": reference("node", "Not", "Instead of conditions."),
        **_market_fields(),
    }
    whole = object_of("Technical trigger", _typed("technical_trigger", fields))
    one = [{"required": [key]} for key in ("conditions", "all", "any", "not")]
    return {**whole, "oneOf": one, "$defs": {"node": node_schema(), "operand": operand_schema()}}


def _time() -> Json:
    kinds = schedule_schemas()
    schedule: Json = {"title": "Schedule", "oneOf": kinds, "discriminator": {"propertyName": "type"}}
    fields = {"schedule": schedule, **_life_span()}
    return object_of("Time trigger", _typed("time_trigger", fields), required=["schedule"])


def _news() -> Json:
    keywords = {
        "all": texts("All of", "Whole words, in headline or summary."),
        "any": texts("Any of", "Whole words, in headline or summary."),
        "none": texts("None of", "Whole words, in headline or summary."),
    }
    match = object_of("Match", {key: keywords[key] for key in KEYWORD_LISTS}, "Left out: every item about the symbol.")
    fields = {
        "match": match,
        "sources": texts("Sources", "Left out: all of them."),
        "sentiment": choice("Sentiment", SENTIMENTS, said="By counting words of two lists. Left out: any."),
        "sentiment_score": integer(
            "Sentiment score", 1, 1000, default=1, said="Words of one side more than of the other."
        ),
        "max_age_minutes": number(
            "Age limit (minutes)", above=0, default=30, said="Items published before are not news."
        ),
        **_life_span(),
    }  # fmt: skip
    return object_of("News trigger", _typed("news_trigger", fields))


# ---- what triggers have in common ----


def _market_fields() -> Json:
    hold: Json = {
        "seconds": number("Seconds", above=0),
        "trades": integer("Trades", 1, said="With evaluation by tick."),
        "candles": integer("Candles", 1, _MOST_CANDLES, said="With evaluation at the candle's close."),
    }
    stay = "The condition must stay true this long; give one of three."
    return {
        "timeframe": choice("Timeframe", TIMEFRAMES, said="Left out: the pipeline's primary timeframe."),
        "evaluate": choice("Evaluate", EVALUATE, EVALUATE[0],
                            "tick: after every trade, with forming candles. candle_close: with closed candles only."),
        "fire": choice("Fire", FIRE, FIRE[0], "How often it may fire."),
        "session": choice("Session", SESSIONS, SESSIONS[0], "extended: with pre-market and after hours."),
        "hold": object_of("Hold", hold, stay),
        "rearm": choice("Re-arm", REARM, REARM[0], "When it may fire again after a firing."),
        "after_gap": choice("After a gap", GAPS, GAPS[0],
                             "fire: what became true while the feed was away fires when it is back."),
        "require_stable": {"title": "Wait for stable indicators", "type": "boolean", "default": False,
                           "description": "Indicators count as unknown until their start no longer shows."},
        **_life_span(),
    }  # fmt: skip


def _life_span() -> Json:
    return {
        "cooldown_seconds": number("Cooldown (seconds)", at_least=0, default=0, said="Least time between two firings."),
        "max_firings_per_session": integer("Most firings a session", 1, said="Left out: no limit."),
        "max_firings": integer("Most firings in all", 1, said="The trigger expires after them."),
        "valid_from": {"title": "Valid from", "type": "string", "format": "date-time", "description": _INSTANT},
        "valid_until": {"title": "Valid until", "type": "string", "format": "date-time",
                        "description": f"It is expired from this moment on. {_INSTANT}"},
    }  # fmt: skip


def _typed(agent_type: str, fields: Json) -> Json:
    # The config may repeat the type of its node.
    return {**fields, "type": {"title": "Type", "type": "string", "const": agent_type}}
