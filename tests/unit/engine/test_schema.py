"""The schema of the forms: what the parser accepts fits it, and it is made of the parser's own tables."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.condition import TIMEFRAMES
from engine.grammar import AGENT_TYPES, InvalidTrigger
from engine.grammar.conditions import OPERATORS, SIGNALS
from engine.grammar.schema import trigger_schema, trigger_schemas
from engine.grammar.schema_operand import example_of
from engine.indicators.registry import INDICATORS
from tests.unit.engine.grammar_cases import RSI, Json, parse, problems_of
from tests.unit.engine.test_grammar_properties import configs, valid

VALIDATORS = {name: Draft202012Validator(schema) for name, schema in trigger_schemas().items()}


def fits(agent_type: str, config: Any) -> bool:
    return VALIDATORS[agent_type].is_valid(config)


def without_nulls(value: Any) -> Any:
    """The parser takes null as left out; the schema knows no null."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in cast("Json", value).items() if item is not None}
    return [without_nulls(item) for item in cast("list[object]", value)] if isinstance(value, list) else value


@pytest.mark.parametrize("agent_type", AGENT_TYPES)
def test_it_is_a_schema(agent_type: str) -> None:
    schema = trigger_schema(agent_type)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


EXAMPLES: list[tuple[str, Json]] = [
    ("price_trigger", {"type": "price_trigger", "operator": "crosses_above", "value": 190.0, "fire": "every_edge"}),
    ("price_trigger", {"operand": "close@1h", "operator": "inside", "value": [1, "SMA_20"], "hold": {"seconds": 0.5}}),
    ("technical_trigger", {"conditions": [RSI, {"indicator": "MACD", "signal": "bullish_crossover"}], "logic": "AND"}),
    ("technical_trigger", {"any": [{"signal": "golden_cross", "fast": 10, "slow": 20}, {"not": {"all": [RSI]}}]}),
    ("technical_trigger", {"not": {"operand": "price", "operator": "rises_by_pct", "value": 1.5, "candles": 6}}),
    ("time_trigger", {"schedule": {"type": "market_hours", "market": "US", "offset_minutes": 5}}),
    ("time_trigger", {"schedule": {"type": "specific_time", "time": "09:45", "timezone": "UTC", "days": ["mon"]}}),
    ("time_trigger", {"schedule": {"type": "cron", "expression": "* * * * *", "timezone": "UTC", "missed": "skip"}}),
    ("news_trigger", {"match": {"any": ["guidance"], "none": ["ad"]}, "sources": ["AP"], "sentiment": "negative"}),
    ("news_trigger", {}),
]  # fmt: skip


@pytest.mark.parametrize(("agent_type", "config"), EXAMPLES)
def test_what_the_parser_accepts_fits(agent_type: str, config: Json) -> None:
    parse(agent_type, config)
    assert fits(agent_type, config)


@given(agent_type=st.sampled_from(AGENT_TYPES), config=configs)
@settings(max_examples=200, deadline=None)
def test_whatever_the_parser_accepts_fits(agent_type: str, config: dict[str, object]) -> None:
    if not problems_of(agent_type, config):
        assert fits(agent_type, without_nulls(config))


@given(tree=valid)
@settings(max_examples=100, deadline=None)
def test_every_tree_of_conditions_fits(tree: dict[str, object]) -> None:
    assert fits("technical_trigger", {"conditions": [tree]})


@pytest.mark.parametrize(("agent_type", "config"), EXAMPLES)
def test_an_unknown_key_does_not_fit(agent_type: str, config: Json) -> None:
    assert not fits(agent_type, {**config, "colour": "red"})


@pytest.mark.parametrize(("agent_type", "config"), EXAMPLES)
def test_the_keys_are_those_the_parser_knows(agent_type: str, config: Json) -> None:
    known = problems_of(agent_type, {**config, "~": 1})["~"]
    keys = set(known.removeprefix("known here: ").partition(";")[0].split(", "))
    schema = trigger_schema(agent_type)
    assert keys == set(schema["properties"])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("agent_type", AGENT_TYPES)
def test_its_defaults_are_the_parsers(agent_type: str) -> None:
    example = next(config for name, config in EXAMPLES if name == agent_type)
    properties: dict[str, Json] = trigger_schema(agent_type)["properties"]  # pyright: ignore[reportAssignmentType]
    defaults = {key: field["default"] for key, field in properties.items() if "default" in field and key not in example}
    without = {key: value for key, value in example.items() if key != "sentiment_score"}
    defaults.pop("sentiment_score", None)  # goes with sentiment only
    assert defaults
    assert parse(agent_type, {**defaults, **without}) == parse(agent_type, without)


@pytest.mark.parametrize("agent_type", AGENT_TYPES)
def test_no_number_out_of_its_bounds_is_accepted(agent_type: str) -> None:
    example = next(config for name, config in EXAMPLES if name == agent_type)
    properties: dict[str, Json] = trigger_schema(agent_type)["properties"]  # pyright: ignore[reportAssignmentType]
    checked = 0
    for key, field in properties.items():
        for bound, beyond in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0)):
            if isinstance(limit := field.get(bound), int | float):
                checked += 1
                assert problems_of(agent_type, {**example, key: limit + beyond}), key
    assert checked >= 3


def test_every_operator_signal_and_indicator_is_offered() -> None:
    text = json.dumps(trigger_schema("technical_trigger"))
    for name in (*OPERATORS, *SIGNALS, *INDICATORS, *TIMEFRAMES):
        assert f'"{name}"' in text, name


@pytest.mark.parametrize("name", INDICATORS)
def test_each_indicator_is_described_by_its_definition(name: str) -> None:
    definition = INDICATORS[name]
    schema: Any = trigger_schema("technical_trigger")["$defs"]
    (choice,) = [c for c in schema["operand"]["anyOf"] if c["title"] == name]
    assert definition.summary in choice["description"]
    for example in choice["examples"]:
        for written in (example, f"{example}@1h"):
            assert re.search(choice["pattern"], written)
            parse("technical_trigger", {"conditions": [{"operand": written, "operator": ">", "value": 1}]})
    full = name + "".join(f"_{p.default or 20:g}" for p in definition.params)
    for output in definition.outputs or ("",):
        assert re.search(choice["pattern"], full + (f".{output}" if output else ""))
    with pytest.raises(InvalidTrigger):
        parse(
            "technical_trigger",
            {"conditions": [{"operand": f"{example_of(definition)}x", "operator": ">", "value": 1}]},
        )
