"""How many candles a trigger needs before it can be judged (T18)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.condition import TIMEFRAMES, Leaf, Operand, Timeframe, TriggerSpec
from engine.indicators.registry import INDICATORS
from engine.truth import leaves_of, operands_of


@dataclass(frozen=True, slots=True)
class Need:
    """What one timeframe must have: candles, the forming one included, and for which column.

    `stable` is the number from which no start-up effect is left; `first` the one with the first value.
    """

    timeframe: Timeframe
    first: int
    stable: int
    column: str
    path: str
    """Of the leaf that needs the most."""


def needs(spec: TriggerSpec) -> tuple[Need, ...]:
    """Return the longest need of each timeframe, the shorter timeframes first; none for a plain price."""
    longest: dict[Timeframe, Need] = {}
    for leaf in leaves_of(spec.condition) if spec.condition is not None else ():
        for operand in operands_of(leaf):
            found = _need(leaf, operand)
            if found is not None and (found.timeframe not in longest or found.first > longest[found.timeframe].first):
                longest[found.timeframe] = found
    return tuple(longest[timeframe] for timeframe in TIMEFRAMES if timeframe in longest)


def _need(leaf: Leaf, operand: Operand) -> Need | None:
    past = leaf.candles if operand is leaf.left else 0
    timeframe = operand.timeframe or leaf.timeframe
    if operand.is_field:
        return Need(timeframe, past + 1, past + 1, operand.column, leaf.path) if past else None
    definition = INDICATORS[operand.name]
    params = definition.fill(operand.params)
    if params is None:
        raise AssertionError(f"{operand} has other numbers than {definition.name}")
    first, stable = definition.first_value(params), definition.stable(params)
    return Need(timeframe, first + past, stable + past, operand.column, leaf.path)
