"""Remarks on triggers that are allowed but probably not meant."""

from __future__ import annotations

import pytest

from engine.lint import FeedData, Remark, lint, may_repaint
from tests.unit.engine.grammar_cases import parse

Leaf = dict[str, object]
WHOLE = FeedData(whole_volume=True)


def remarks(*leaves: Leaf, **config: object) -> list[Remark]:
    group = config.pop("group", "all")
    spec = parse("technical_trigger", {str(group): list(leaves), "evaluate": "candle_close", **config})
    return [remark for remark in lint(spec, feed=WHOLE) if "warm up" not in remark.text]


def leaf(operand: str, operator: str, value: object, **others: object) -> Leaf:
    return {"operand": operand, "operator": operator, "value": value, **others}


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">", 100),
        leaf("RSI", "<", 0),
        leaf("RSI", "inside", [101, 200]),
        leaf("RSI", "outside", [0, 100]),
        leaf("RSI", "crosses_above", 100),
        leaf("RSI", "crosses_above", -1),
        leaf("RSI", "crosses_below", 0),
        leaf("price", "<=", 0),
        leaf("price", "falls_by_pct", 100, candles=2),
        leaf("ATR", "<", 0),
        leaf("close", ">", "close"),
        leaf("close", "crosses_above", "close@5m"),
    ],
)
def test_what_can_never_be_true_is_said(found: Leaf) -> None:
    assert Remark("all[0]", "can never be true") in remarks(found)


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">=", 0),
        leaf("RSI", "<=", 100),
        leaf("RSI", "inside", [0, 100]),
        leaf("price", ">", 0),
        leaf("close", ">=", "close"),
        leaf("volume", ">=", 0),
    ],
)
def test_what_is_always_true_is_said(found: Leaf) -> None:
    said = remarks(found)
    assert Remark("all[0]", "can only be true") in said
    assert any("never fires" in remark.text for remark in said)


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">", 70),
        leaf("RSI", ">=", 100),
        leaf("RSI", "crosses_below", 100),
        leaf("price", ">", 100),
        leaf("close", ">", "close@1h"),
        leaf("MACD.line", "<", -1000),
        leaf("close", "falls_by_pct", 99, candles=2),
        leaf("volume", "<=", 0),
    ],
)
def test_what_can_be_both_is_left_alone(found: Leaf) -> None:
    assert remarks(found) == []


def test_comparisons_that_exclude_each_other_are_said() -> None:
    assert Remark("", "can never be true together") in remarks(leaf("RSI", ">", 70), leaf("RSI", "<", 30))
    assert Remark("", "can never be true together") in remarks(leaf("RSI", ">", 70), leaf("RSI", "<=", 70))
    assert remarks(leaf("RSI", ">=", 70), leaf("RSI", "<=", 70)) == []
    assert remarks(leaf("RSI", ">", 70), leaf("RSI@1h", "<", 30)) == []
    assert remarks(leaf("RSI", ">", 70), leaf("RSI", "<", 30), group="any") == []


def test_a_negation_turns_it_round() -> None:
    said = lint(parse("technical_trigger", {"not": leaf("RSI", ">", 100), "evaluate": "candle_close"}))
    assert any("never fires" in remark.text for remark in said)


def test_a_tick_trigger_on_forming_values_may_repaint() -> None:
    forming = parse("technical_trigger", {"conditions": [leaf("RSI", ">", 70)]})
    assert may_repaint(forming)
    assert [remark.path for remark in lint(forming)] == ["evaluate", "conditions[0]"]
    assert not may_repaint(parse("price_trigger", {"operator": ">", "value": 1.5}))
    closed = parse("technical_trigger", {"conditions": [leaf("RSI", ">", 70)], "evaluate": "candle_close"})
    assert not may_repaint(closed)


def test_volume_on_a_partial_feed_is_said() -> None:
    spec = parse("price_trigger", {"operand": "volume", "operator": ">", "value": 5, "evaluate": "candle_close"})
    assert any("feed carries" in remark.text for remark in lint(spec))
    assert lint(spec, feed=WHOLE) == ()


def test_every_edge_without_cooldown_may_storm() -> None:
    config = {"operator": ">", "value": 5, "fire": "every_edge"}
    assert [r.path for r in lint(parse("price_trigger", config))] == ["cooldown_seconds"]
    assert lint(parse("price_trigger", {**config, "cooldown_seconds": 1})) == ()


def test_schedules_have_no_remarks() -> None:
    schedule = {"type": "cron", "expression": "* * * * *", "timezone": "UTC"}
    assert lint(parse("time_trigger", {"schedule": schedule})) == ()
