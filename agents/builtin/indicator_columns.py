"""From an indicator as a pipeline names it ("RSI", "MACD_12_26_9") to its canonical columns."""

from __future__ import annotations

from functools import cache

from engine.grammar.fields import Problems
from engine.grammar.operands import parse_params
from engine.indicators.column import Column
from engine.indicators.registry import INDICATORS


@cache
def columns_of(name: str) -> tuple[tuple[str, Column], ...]:
    """Return (canonical name, column) of each output.

    Raises:
        KeyError, ValueError: no such indicator; a checked pipeline has none.
    """
    head, _, numbers = name.partition("_")
    definition = INDICATORS[head]
    problems = Problems()
    params = parse_params(definition, f"_{numbers}" if numbers else "", "", problems)
    if params is None:
        raise ValueError(problems.found[0].expected)
    stem = definition.name + "".join(f"_{number:g}" for number in params)
    outputs = definition.outputs or ("",)
    return tuple(
        (f"{stem}.{output}" if output else stem, Column(definition, params, index))
        for index, output in enumerate(outputs)
    )
