"""What is allowed but probably not meant: triggers that may repaint, can never fire, or are always true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.condition import Condition, Group, Leaf, Operand, TriggerSpec

_POSITIVE = ("price", "open", "high", "low", "close", "vwap", "SMA", "EMA")
_PERCENT = ("RSI", "STOCH", "ADX")
_NOT_NEGATIVE = ("ATR", "volume")
_FROM_VOLUME = ("volume", "vwap", "OBV")


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark. `path` is inside the node's config, "" for the whole of it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class _Range:
    """The numbers a value can be; an open end is no part of it."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def meet(self, other: _Range) -> _Range:
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high = min(self.high, other.high)
        high_open = any(r.high_open for r in (self, other) if r.high == high)
        return _Range(low, high, low_open, high_open)

    def covers(self, other: _Range) -> bool:
        """Return whether every number of the other range is in this one."""
        low_fits = self.low < other.low or (self.low == other.low and (other.low_open or not self.low_open))
        high_fits = self.high > other.high or (self.high == other.high and (other.high_open or not self.high_open))
        return low_fits and high_fits


def lint(spec: TriggerSpec, *, partial_feed: bool = True) -> tuple[Remark, ...]:
    """Return remarks on a valid trigger.

    Args:
        partial_feed: Whether the feed carries only a part of the market's volume, as most do.
    """
    if spec.condition is None:
        return ()
    remarks = list(_truth_remarks(spec.condition))
    leaves = list(leaves_of(spec.condition))
    if spec.evaluate == "tick" and any(_reads_forming(leaf) for leaf in leaves):
        remarks.append(
            Remark(
                "evaluate",
                "may repaint: forming candles change until they close, so what fired can look untrue later; "
                "candle_close judges closed candles only",
            )
        )
    if spec.fire == "every_edge" and spec.cooldown_ms == 0:
        remarks.append(
            Remark("cooldown_seconds", "every edge and no cooldown: more than 15 firings in 3 minutes pause it")
        )
    for leaf in leaves:
        remarks += _leaf_remarks(leaf, partial_feed=partial_feed)
    return tuple(remarks)


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves of a tree, in its order."""
    if isinstance(condition, Leaf):
        yield condition
        return
    for child in condition.children:
        yield from leaves_of(child)


def may_repaint(spec: TriggerSpec) -> bool:
    """Return whether a trigger judges forming values other than the price (T5)."""
    return (
        spec.evaluate == "tick"
        and spec.condition is not None
        and any(_reads_forming(leaf) for leaf in leaves_of(spec.condition))
    )


def truth(condition: Condition) -> bool | None:
    """Return True or False when a condition can only be that (once its values are known), else None."""
    if isinstance(condition, Leaf):
        return _leaf_truth(condition)
    known = [truth(child) for child in condition.children]
    if condition.kind == "not":
        return None if known[0] is None else not known[0]
    if condition.kind == "any":
        return True if True in known else (False if set(known) == {False} else None)
    if False in known or _contradicts(condition):
        return False
    return True if set(known) == {True} else None


def _truth_remarks(condition: Condition) -> Iterator[Remark]:
    """Yield a remark for each leaf that cannot change, and one when the whole cannot."""
    for leaf in leaves_of(condition):
        known = _leaf_truth(leaf)
        if known is not None:
            path = "" if leaf.path == "config" else leaf.path
            yield Remark(path, f"can {'only' if known else 'never'} be true")
    whole = truth(condition)
    if whole is not None and not isinstance(condition, Leaf):
        said = "always true: it never becomes true, and never fires" if whole else "can never be true together"
        yield Remark("", said)


def _leaf_remarks(leaf: Leaf, *, partial_feed: bool) -> Iterator[Remark]:
    path = "" if leaf.path == "config" else leaf.path
    sides = [side for side in (leaf.left, leaf.right, leaf.upper) if isinstance(side, Operand)]
    if partial_feed and (used := sorted({side.name for side in sides if side.name in _FROM_VOLUME})):
        yield Remark(path, f"{', '.join(used)} counts only the part of the market that the feed carries")
    if leaf.left.name == "OBV" and not isinstance(leaf.right, Operand):
        yield Remark(path, "the level of OBV depends on where its history starts: a number means little")


def _reads_forming(leaf: Leaf) -> bool:
    if leaf.operator in ("rises_by_pct", "falls_by_pct") and leaf.left.name == "price":
        return False  # its reference is a closed candle
    return any(isinstance(side, Operand) and side.name != "price" for side in (leaf.left, leaf.right, leaf.upper))


def _possible(operand: Operand) -> _Range:
    if operand.name in _POSITIVE:
        return _Range(low=0.0, low_open=True)
    if operand.name in _PERCENT:
        return _Range(0.0, 100.0)
    return _Range(low=0.0) if operand.name in _NOT_NEGATIVE else _Range()


def _wanted(leaf: Leaf) -> _Range | None:
    """Return the numbers of the left side for which a leaf on numbers is TRUE; None for other leaves."""
    if isinstance(leaf.right, Operand) or isinstance(leaf.upper, Operand):
        return None
    match leaf.operator:
        case ">":
            return _Range(low=leaf.right, low_open=True)
        case ">=":
            return _Range(low=leaf.right)
        case "<":
            return _Range(high=leaf.right, high_open=True)
        case "<=":
            return _Range(high=leaf.right)
        case "inside" if leaf.upper is not None:
            return _Range(leaf.right, leaf.upper)
        case _:
            return None


def _leaf_truth(leaf: Leaf) -> bool | None:
    if leaf.left == leaf.right and leaf.upper is None:
        return {">=": True, "<=": True}.get(leaf.operator, False)
    if isinstance(leaf.right, Operand) or isinstance(leaf.upper, Operand):
        return None
    possible = _possible(leaf.left)
    if leaf.operator == "crosses_above":
        above, below = _Range(low=leaf.right, low_open=True), _Range(high=leaf.right)
        return False if possible.meet(above).is_empty or possible.meet(below).is_empty else None
    if leaf.operator == "crosses_below":
        above, below = _Range(low=leaf.right), _Range(high=leaf.right, high_open=True)
        return False if possible.meet(above).is_empty or possible.meet(below).is_empty else None
    if leaf.operator == "falls_by_pct":
        return False if leaf.right >= 100 and possible.low == 0.0 and possible.low_open else None
    if leaf.operator == "outside" and leaf.upper is not None:
        inside = _Range(leaf.right, leaf.upper)
        return _not(_in_range(inside, possible))
    wanted = _wanted(leaf)
    return None if wanted is None else _in_range(wanted, possible)


def _in_range(wanted: _Range, possible: _Range) -> bool | None:
    if wanted.covers(possible):
        return True
    return False if wanted.meet(possible).is_empty else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _contradicts(group: Group) -> bool:
    """Return whether two comparisons of an all-group leave no number, as in RSI > 70 and RSI < 30."""
    left: dict[Operand, _Range] = {}
    for child in group.children:
        if isinstance(child, Leaf) and not child.hysteresis and (wanted := _wanted(child)) is not None:
            left[child.left] = left.get(child.left, _Range()).meet(wanted)
    return any(found.is_empty for found in left.values())
