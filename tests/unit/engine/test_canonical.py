"""The canonical form of a trigger: what changes its version, and what does not (T31)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.canonical import canonical_config, config_hash
from tests.unit.engine.grammar_cases import parse

PRICE = {"operator": "crosses_above", "value": 190}


def test_T31_a_default_spelled_out_is_no_new_version() -> None:
    spelled = {"type": "price_trigger", "value": 190.0, "operator": "crosses_above", "fire": "once_per_candle"}
    assert parse("price_trigger", spelled).config_hash == parse("price_trigger", PRICE).config_hash


def test_T31_identity_is_no_part_of_the_meaning() -> None:
    spec = parse("price_trigger", PRICE)
    moved = replace(spec, trigger_id="other/node-9", pipeline_id="other", version=9, config_hash="x")
    assert config_hash(moved) == spec.config_hash


def test_the_short_and_the_full_name_of_an_indicator_are_one_meaning() -> None:
    short = {"conditions": [{"indicator": "RSI", "operator": ">", "value": 70}]}
    full = {"conditions": [{"operand": "RSI_14@5m", "operator": ">", "value": 70.0}]}
    assert parse("technical_trigger", short).config_hash == parse("technical_trigger", full).config_hash


@pytest.mark.parametrize(
    "change",
    [
        {"value": 190.01},
        {"operator": "crosses_below"},
        {"timeframe": "1h"},
        {"fire": "once"},
        {"hold": {"seconds": 1}},
        {"valid_until": "2030-01-01T00:00:00Z"},
    ],
)
def test_T31_every_change_of_meaning_is_a_new_version(change: dict[str, object]) -> None:
    assert parse("price_trigger", PRICE | change).config_hash != parse("price_trigger", PRICE).config_hash


def test_other_symbols_are_another_meaning_and_their_order_is_not() -> None:
    spec = parse("price_trigger", PRICE)
    both = replace(spec, symbols=("AAPL", "MSFT"))
    assert config_hash(both) != config_hash(spec)
    assert config_hash(both) == config_hash(replace(spec, symbols=("MSFT", "AAPL")))


def test_the_form_is_pinned() -> None:
    assert canonical_config(parse("price_trigger", PRICE)) == (
        '{"condition":{"is":"Leaf","left":{"is":"Operand","name":"price"},"operator":"crosses_above",'
        '"path":"config","right":190.0},"is":"TriggerSpec","kind":"price","symbols":["AAPL"]}'
    )


def test_kinds_of_schedule_never_share_a_hash() -> None:
    weekly = {"schedule": {"type": "specific_time", "time": "09:45", "timezone": "UTC"}}
    cron = {"schedule": {"type": "cron", "expression": "45 9 * * *", "timezone": "UTC"}}
    assert parse("time_trigger", weekly).config_hash != parse("time_trigger", cron).config_hash
