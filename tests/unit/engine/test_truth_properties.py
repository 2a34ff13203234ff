"""What the linter calls always or never true is so for every value that the operands can have."""

from __future__ import annotations

import operator as op
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.condition import Condition, Group, Leaf, Operand
from engine.truth import possible, truth

OPERANDS = (Operand("price"), Operand("RSI", (14,), "", "5m"), Operand("volume", timeframe="5m"))
THRESHOLDS = (-5.0, 0.0, 30.0, 70.0, 100.0, 110.0)
VALUES = (-10.0, -5.0, 0.0, 0.5, 30.0, 50.0, 70.0, 99.0, 100.0, 105.0, 110.0, 1e9)
LEVELS = {">": op.gt, ">=": op.ge, "<": op.lt, "<=": op.le}


def leaf(left: Operand, name: str, right: float, upper: float) -> Leaf:
    if name in LEVELS:
        return Leaf("", left, name, right)  # pyright: ignore[reportArgumentType]
    return Leaf("", left, name, min(right, upper), max(right, upper))  # pyright: ignore[reportArgumentType]


leaves = st.builds(
    leaf,
    st.sampled_from(OPERANDS),
    st.sampled_from([*LEVELS, "inside", "outside"]),
    st.sampled_from(THRESHOLDS),
    st.sampled_from(THRESHOLDS),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Group, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3).map(tuple))
        | st.builds(Group, st.just("not"), st.tuples(inner))
    ),
    max_leaves=6,
)


def holds(condition: Condition, values: Mapping[Operand, float]) -> bool:
    if isinstance(condition, Leaf):
        x, right, upper = values[condition.left], condition.right, condition.upper
        assert isinstance(right, float)
        if isinstance(upper, float):
            return (right <= x <= upper) == (condition.operator == "inside")
        return LEVELS[condition.operator](x, right)
    found = [holds(child, values) for child in condition.children]
    return all(found) if condition.kind == "all" else any(found) if condition.kind == "any" else not found[0]


def can_be(operand: Operand, value: float) -> bool:
    wanted = possible(operand)
    is_low = value > wanted.low or (value == wanted.low and not wanted.low_open)
    return is_low and (value < wanted.high or (value == wanted.high and not wanted.high_open))


@given(condition=conditions, drawn=st.tuples(*[st.sampled_from(VALUES)] * len(OPERANDS)))
@settings(max_examples=1500, deadline=None)
def test_no_value_contradicts_the_linter(condition: Condition, drawn: tuple[float, ...]) -> None:
    said = truth(condition)
    values = dict(zip(OPERANDS, drawn, strict=True))
    if said is not None and all(can_be(operand, value) for operand, value in values.items()):
        assert holds(condition, values) == said
