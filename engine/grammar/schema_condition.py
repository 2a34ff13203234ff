"""Comparisons, signals and groups as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence

from engine.condition import TIMEFRAMES
from engine.grammar.conditions import CHANGES, CROSSES, LEVELS, MAX_LEAVES, OPERATORS, SIGNALS, indicators_with
from engine.grammar.schema_value import Json, choice, either, integer, number, object_of, reference, with_words

_MOST_CANDLES = 1000


def node_schema() -> Json:
    groups = [
        object_of("All of", {"all": nodes("All of")}, required=["all"]),
        object_of("Any of", {"any": nodes("Any of")}, required=["any"]),
        object_of("Not", {"not": reference("node", "Not")}, required=["not"]),
    ]
    return {"title": "Condition", "anyOf": [_compared("operand"), _compared("indicator"), *_signals(), *groups]}


def _compared(key: str) -> Json:
    title = "Comparison" if key == "operand" else "Comparison of an indicator"
    fields = {
        key: reference("operand", key.capitalize(), "Such as price, RSI, SMA_50@1h, MACD.histogram."),
        "operator": choice("Operator", OPERATORS),
        **comparison_fields(),
        "timeframe": choice("Timeframe", TIMEFRAMES, said="Left out: the trigger's."),
    }
    return object_of(title, fields, required=[key, "operator", "value"])


def comparison_fields() -> Json:
    sides: list[Json] = [{"title": "Number", "type": "number"}, {"title": "Operand", "type": "string"}]
    pair: Json = {"title": "From, to", "type": "array", "items": {"anyOf": sides}, "minItems": 2, "maxItems": 2}
    back = f"How far it must come back before it is over; with {either([*LEVELS, *CROSSES])}."
    return {
        "value": {
            "title": "Value",
            "description": "A number or another operand; with inside and outside [from, to].",
            "anyOf": [*sides, pair],
        },
        "hysteresis": number("Hysteresis", at_least=0, said=back),
        "within_candles": integer(
            "Within candles", 1, _MOST_CANDLES, default=1, said=f"A crossing counts so long; with {either(CROSSES)}."
        ),
        "candles": integer("Candles", 1, _MOST_CANDLES, said=f"How many candles back; with {either(CHANGES)}."),
    }  # fmt: skip


def _signals() -> list[Json]:
    """Return a choice of signals for each set of indicators that share them."""
    together: dict[tuple[str, ...], list[str]] = {}
    for signal in SIGNALS:
        together.setdefault(tuple(indicators_with(signal)), []).append(signal)
    return [_signal(indicators, signals) for indicators, signals in together.items() if indicators]


def _signal(indicators: Sequence[str], signals: Sequence[str]) -> Json:
    numbers = "|".join(indicators)
    fields: Json = {
        "indicator": {
            "title": "Indicator", "type": "string", "examples": list(indicators),
            "pattern": f"^({numbers})(_[0-9.]+)*(@({'|'.join(TIMEFRAMES)}))?$",
        },
        "signal": choice("Signal", signals),
        "timeframe": choice("Timeframe", TIMEFRAMES, said="Left out: the trigger's."),
        "within_candles": integer("Within candles", 1, _MOST_CANDLES, default=1, said="The signal counts so long."),
    }  # fmt: skip
    required = ["signal"]
    if "golden_cross" in signals:
        fields["fast"] = integer("Fast period", 2, 1000, default=50)
        fields["slow"] = integer("Slow period", 2, 1000, default=200)
    else:
        required.append("indicator")
    return object_of("Signal of " + either(indicators), fields, required=required)


def nodes(title: str, said: str = "") -> Json:
    return with_words({"title": title, "type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1,
                  "maxItems": MAX_LEAVES}, said)  # fmt: skip
