"""What can be said of a condition without any market: that it can never be true, or never false."""

from __future__ import annotations

from collections.abc import Iterator

from engine.condition import Condition, Leaf, Operand
from engine.indicators.registry import INDICATORS
from engine.ranges import NOT_NEGATIVE, POSITIVE, Range

_ZERO = Range(0.0, 0.0)
_RISES, _FALLS = "rises_by_pct", "falls_by_pct"


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves of a tree, in its order."""
    if isinstance(condition, Leaf):
        yield condition
        return
    for child in condition.children:
        yield from leaves_of(child)


def operands_of(leaf: Leaf) -> tuple[Operand, ...]:
    """Return the operands of a leaf, numbers left out."""
    return tuple(side for side in (leaf.left, leaf.right, leaf.upper) if isinstance(side, Operand))


def possible(side: Operand | float) -> Range:
    """Return the numbers a side can be."""
    if not isinstance(side, Operand):
        return Range(side, side)
    if side.is_field:
        return NOT_NEGATIVE if side.name == "volume" else POSITIVE
    return INDICATORS[side.name].range_of(side.output)


def truth(condition: Condition) -> bool | None:
    """Return True or False when a condition can only be that (once its values are known), else None."""
    if isinstance(condition, Leaf):
        return leaf_truth(condition)
    known = [truth(child) for child in condition.children]
    if condition.kind == "not":
        return None if known[0] is None else not known[0]
    if condition.kind == "any":
        if True in known or _excludes_itself(condition, negated=True):
            return True
        return False if set(known) == {False} else None
    if False in known or _excludes_itself(condition, negated=False):
        return False
    return True if set(known) == {True} else None


def leaf_truth(leaf: Leaf) -> bool | None:
    """Return True or False when one comparison can only be that, else None."""
    if leaf.operator == _RISES:
        return None
    if leaf.operator == _FALLS:
        # The reference is above 0: from 100 % on, x <= ref·(1 - value/100) needs an x of 0 or less.
        is_all = not isinstance(leaf.right, Operand) and leaf.right >= 100
        return False if is_all and _ZERO.is_below(possible(leaf.left)) else None
    if leaf.upper is not None:
        within = _both(_compare(leaf.left, ">=", leaf.right), _compare(leaf.left, "<=", leaf.upper))
        return within if leaf.operator == "inside" else _not(within)
    if leaf.operator in ("crosses_above", "crosses_below"):
        now, before = (">", "<=") if leaf.operator == "crosses_above" else ("<", ">=")
        both = (_compare(leaf.left, now, leaf.right), _compare(leaf.left, before, leaf.right))
        return False if False in both else None
    return _compare(leaf.left, leaf.operator, leaf.right)


def _compare(left: Operand, operator: str, right: Operand | float) -> bool | None:
    """Return what `left operator right` can only be, by the numbers that both sides can be."""
    if left == right:
        return operator in (">=", "<=")
    upper, lower = possible(left), possible(right)
    if operator in ("<", "<="):
        upper, lower = lower, upper
    if operator in (">", "<"):
        always, never = lower.is_below(upper), upper.high <= lower.low
    else:
        always, never = lower.high <= upper.low, upper.is_below(lower)
    return True if always else False if never else None


def _excludes_itself(condition: Condition, *, negated: bool) -> bool:
    """Return whether the comparisons that must all hold leave some operand no number: RSI > 70 and RSI < 30."""
    left: dict[Operand, Range] = {}
    for leaf, is_negated in _conjuncts(condition, negated=negated):
        wanted = _unwanted(leaf) if is_negated else _wanted(leaf)
        if wanted is not None:
            left[leaf.left] = left.get(leaf.left, possible(leaf.left)).meet(wanted)
            if left[leaf.left].is_empty:
                return True
    return False


def _conjuncts(condition: Condition, *, negated: bool) -> Iterator[tuple[Leaf, bool]]:
    """Yield the leaves that must all be TRUE (or, negated, FALSE) for a condition to be TRUE (negated: FALSE)."""
    if isinstance(condition, Leaf):
        yield condition, negated
    elif condition.kind == "not":
        yield from _conjuncts(condition.children[0], negated=not negated)
    elif len(condition.children) == 1 or (condition.kind == "any") == negated:
        for child in condition.children:
            yield from _conjuncts(child, negated=negated)


def _wanted(leaf: Leaf) -> Range | None:
    """Return the numbers of the left side for which a leaf on numbers is TRUE; None where that is not one range."""
    if isinstance(leaf.right, Operand) or isinstance(leaf.upper, Operand) or leaf.hysteresis:
        return None
    match leaf.operator:
        case ">" | "crosses_above":
            return Range(low=leaf.right, low_open=True)
        case ">=":
            return Range(low=leaf.right)
        case "<" | "crosses_below":
            return Range(high=leaf.right, high_open=True)
        case "<=":
            return Range(high=leaf.right)
        case "inside" if leaf.upper is not None:
            return Range(leaf.right, leaf.upper)
        case _:
            return None


def _unwanted(leaf: Leaf) -> Range | None:
    """Return the numbers for which a leaf on numbers is FALSE; None where that is not one range."""
    if isinstance(leaf.right, Operand) or isinstance(leaf.upper, Operand) or leaf.hysteresis:
        return None
    match leaf.operator:
        case ">":
            return Range(high=leaf.right)
        case ">=":
            return Range(high=leaf.right, high_open=True)
        case "<":
            return Range(low=leaf.right)
        case "<=":
            return Range(low=leaf.right, low_open=True)
        case "outside" if leaf.upper is not None:
            return Range(leaf.right, leaf.upper)
        case _:
            return None


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return True if first and second else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
