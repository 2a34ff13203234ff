"""Every operator is known everywhere: grammar, forms, words, linter, kernel. A new one is held to it at once."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from engine import layout
from engine.condition import Operator
from engine.grammar.conditions import CHANGES, OPERATORS, RANGES
from engine.grammar.schema import trigger_schema
from engine.lint import lint
from engine.words import trigger_words
from tests.unit.engine.tape import player, price, trigger


def leaf(operator: str) -> dict[str, Any]:
    if operator in RANGES:
        return price(operator, [90, 110])
    return price(operator, 10, candles=1) if operator in CHANGES else price(operator, 100)


def test_the_tables_name_the_same_operators() -> None:
    assert set(OPERATORS) == set(get_args(Operator)) == set(layout.OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS)
def test_it_is_offered_said_and_judged(operator: str) -> None:
    spec = trigger({**leaf(operator), "fire": "every_edge"})
    assert all(f'"{operator}"' in json.dumps(trigger_schema(kind)) for kind in ("price_trigger", "technical_trigger"))
    assert trigger_words(spec).startswith("fires when price ")
    assert "_" not in trigger_words(spec)
    assert not any("true" in remark.text for remark in lint(spec))
    p = player(spec)
    # Up and down through every threshold, a candle at each price: whatever it means, it happens.
    levels = (100, 80, 100, 120, 100, 130, 100, 70, 100)
    p.prints(*((f"10:{minute:02}:00", float(level)) for minute, level in enumerate(levels)))
    assert p.firings
    assert all(f.evidence.leaves[0].operator == operator and f.evidence.leaves[0].result for f in p.firings)
