"""What the four triggers have in common: they record the firing that started the execution."""

from __future__ import annotations

from agents.agent import Agent, Result, Step
from core.catalog import AgentSettings
from core.clock import to_datetime
from core.numbers import decimal_of
from core.pipeline.state import TriggerFact
from engine.firing import Firing, LeafEvidence, Side


class TriggerAgent(Agent[AgentSettings]):
    """Runs first and at once: waiting happened in the stream."""

    def run(self, step: Step) -> Result:
        firing = step.firing
        condition = self.describe(firing)
        fact = TriggerFact(
            firing_id=firing.firing_id,
            agent_type=self.agent_type,
            kind=firing.kind,
            condition=condition,
            price=None if firing.price is None else decimal_of(firing.price),
            fired_at=to_datetime(firing.ts_ms),
            decided_at=to_datetime(firing.decided_ms),
        )
        return Result(fact, condition)

    def describe(self, firing: Firing) -> str:
        """Return the firing in words, with the values it was decided on."""
        if firing.kind == "manual":
            return "started by hand"
        told = [describe_leaf(leaf) for leaf in firing.evidence.leaves if leaf.result]
        return "; ".join(told) or f"the {self.agent_type.replace('_', ' ')} fired"


def describe_leaf(leaf: LeafEvidence) -> str:
    """Return a leaf in words: `RSI_14@5m crosses above 70 (69.2 → 70.4)`."""
    operator = leaf.operator.replace("_", " ")
    text = f"{leaf.left.operand} {operator} {_named(leaf.right)}"
    if leaf.upper is not None:
        text += f" and {_named(leaf.upper)}"
    before = f"{_number(leaf.left.before)} → " if leaf.left.before is not None else ""
    return f"{text} ({before}{_number(leaf.left.now)})"


def _named(side: Side) -> str:
    is_number = side.candle is None and side.now is not None and side.operand.replace(".", "").isdigit()
    return _number(side.now) if is_number or not side.operand else f"{side.operand} ({_number(side.now)})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.10g}"
