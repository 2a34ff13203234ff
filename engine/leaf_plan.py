"""How the leaves of a template stand in the tables: what all its triggers have in common, worked out once."""

from __future__ import annotations

from dataclasses import dataclass

from engine import layout as at
from engine.candles import LANE_OF
from engine.condition import Condition, Leaf, Operand, TriggerSpec
from engine.tables import Tables
from engine.templates import leaves_of

_OPERATOR = {name: number for number, name in enumerate(at.OPERATORS)}
Reading = tuple[int, str, bool, bool, int]
"""A slot's key without its block."""


@dataclass(frozen=True, slots=True)
class LeafPlan:
    """One leaf of a template. `right`, `upper` None: a number, or nothing.

    before   tick triggers' `..._by_pct`: the value so many candles before, which stands in the place of `right`
    numbers  where its numbers begin among the template's
    more     how many rows on its second row stands, 0 where it has none
    """

    leaf: Leaf
    shape: int
    width: int
    numbers: int
    more: int
    left: Reading
    right: Reading | None
    upper: Reading | None
    before: Reading | None

    @property
    def is_pct(self) -> bool:
        return self.leaf.candles != 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A template's leaves, its policy, and how many rows and numbers its leaves have in all."""

    leaves: tuple[LeafPlan, ...]
    policy: int
    rows: int
    width: int
    lane: int
    is_closed: bool

    @property
    def readings(self) -> list[Reading]:
        """What its leaves read, each once, in the order in which it is held."""
        found: dict[Reading, None] = {}
        for leaf in self.leaves:
            for reading in (leaf.left, leaf.right, leaf.upper, leaf.before):
                if reading is not None:
                    found[reading] = None
        return list(found)


def plan_of(tables: Tables, spec: TriggerSpec, template: int = -1) -> Plan:
    """Work out a template's plan; the pattern's numbers do not matter.

    Args:
        template: Its number, by which its policy is known again.
    """
    condition = spec.condition
    if condition is None:
        return Plan((), tables.add_policy(policy_of(spec, (), (0, 0))), 0, 0, LANE_OF[spec.timeframe], False)
    is_closed = spec.evaluate == "candle_close"
    leaves = tuple(leaves_of(condition))
    words = program_of(condition)
    policy = tables.add_policy(policy_of(spec, leaves, (tables.add_program(words), len(words))), template)
    plans: list[LeafPlan] = []
    rows, numbers = len(leaves), 0
    for n, leaf in enumerate(leaves):
        left = _reading(spec, leaf.left, LANE_OF[leaf.timeframe] if leaf.candles else 0)
        width = width_of(leaf)
        more = rows - n if width > at.W_PLAIN or leaf.operator.startswith("crosses") else 0
        rows += more > 0
        plans.append(
            LeafPlan(
                leaf=leaf,
                shape=tables.add_shape(shape_of(leaf, is_closed=is_closed, more=more)),
                width=width,
                numbers=numbers,
                more=more,
                left=left,
                right=_reading(spec, leaf.right, 0) if isinstance(leaf.right, Operand) else None,
                upper=_reading(spec, leaf.upper, 0) if isinstance(leaf.upper, Operand) else None,
                before=(*left[:4], leaf.candles) if leaf.candles and not is_closed else None,
            )
        )
        numbers += width
    return Plan(tuple(plans), policy, rows, numbers, LANE_OF[spec.timeframe], is_closed)


def _reading(spec: TriggerSpec, operand: Operand, price_lane: int) -> Reading:
    """Return what a trigger reads of an operand; `price` at a close is the trigger's own close (T16)."""
    is_closed = spec.evaluate == "candle_close"
    if operand.name == "price":
        if is_closed:
            return LANE_OF[spec.timeframe], "close", True, False, 0
        return price_lane, "price", False, False, 0
    only_stable = spec.require_stable and not operand.is_field
    return LANE_OF[operand.timeframe], operand.column, is_closed, only_stable, 0


def program_of(condition: Condition) -> tuple[int, ...]:
    """Return the expression as postfix words over leaf numbers."""
    if isinstance(condition, Leaf):
        return (0,)
    words: list[int] = []
    number = 0

    def visit(node: Condition) -> None:
        nonlocal number
        if isinstance(node, Leaf):
            words.append(number)
            number += 1
            return
        for child in node.children:
            visit(child)
        if node.kind == "not":
            words.append(at.PROGRAM_NOT)
        else:
            n = len(node.children)
            words.append(at.program_all(n) if node.kind == "all" else at.program_any(n))

    visit(condition)
    return tuple(words)


def width_of(leaf: Leaf) -> int:
    """Return how many numbers a leaf has in the tables."""
    if leaf.operator in ("inside", "outside"):
        return at.W_BOUNDED
    is_plain = not isinstance(leaf.right, Operand) and not leaf.hysteresis and not leaf.candles
    return at.W_PLAIN if is_plain else at.W_COMPARED


def shape_of(leaf: Leaf, *, is_closed: bool, more: int) -> tuple[int, ...]:
    """Return a leaf's columns SH_... of `engine.layout`."""
    return (
        _OPERATOR[leaf.operator], LANE_OF[leaf.timeframe], leaf.within_candles, leaf.candles, is_closed, width_of(leaf),
        more,
    )  # fmt: skip


def policy_of(spec: TriggerSpec, leaves: tuple[Leaf, ...], program: tuple[int, int]) -> tuple[int, ...]:
    """Return what the kernel needs to know of a trigger, columns P_... of `engine.layout`.

    Args:
        program: Where its program stands, and how many words it has.
    """
    is_closed = spec.evaluate == "candle_close"
    operands = [x for leaf in leaves for x in (leaf.left, leaf.right, leaf.upper) if isinstance(x, Operand)]
    # Judged at a close, `price` is read of the trigger's own candle (T16).
    own = spec.timeframe if spec.evaluate == "candle_close" else ""
    lanes = {LANE_OF[x.timeframe or own] for x in operands if x.timeframe or own}
    hold = spec.hold
    return (
        spec.valid_from_ms if spec.valid_from_ms is not None else at.UNSET,
        spec.valid_until_ms if spec.valid_until_ms is not None else at.NEVER,
        spec.max_firings,
        spec.condition is not None,
        at.FIRE.index(spec.fire),
        at.REARM.index(spec.rearm),
        spec.cooldown_ms,
        spec.max_firings_per_session,
        # A hold that its edge fulfils is none.
        hold is not None and (hold.trades or hold.candles) != 1,
        sum(1 << lane for lane in lanes),
        not is_closed and any(x.name != "price" for x in operands),
        LANE_OF[spec.timeframe],
        is_closed,
        len(leaves),
        *program,
        # right - h is rounded, and so is left - right: no threshold tells when one passes the other.
        not is_closed and any(leaf.hysteresis > 0.0 and isinstance(leaf.right, Operand) for leaf in leaves),
        spec.after_gap == "fire",
    )
