"""One trigger on one symbol: its state, its hold, its gates (T1, T2, T6-T10)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.oracle.candles import Book
from tests.oracle.conditions import UNKNOWN, Condition, Leaf, LeafMemory, Operand, Truth, leaves_of, read_condition
from tests.oracle.records import Trade, TriggerText
from tests.oracle.values import Values


def _epoch_ms(text: str | None) -> int | None:
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass(frozen=True)
class Edge:
    """The trade a pending hold is named after if it breaks."""

    trade: Trade
    seq: int
    price: float


@dataclass
class Pending:
    edge: Edge
    due_ms: int | None
    """Of a timed hold."""
    count: int = 1


@dataclass
class GateMemory:
    """What the gates know of earlier Firings."""

    last_decided: int | None = None
    candle: int | None = None
    fired: int = 0
    session: int | None = None
    session_fired: int = 0
    is_completed: bool = False
    fired_in_session: int | None = None
    """Session of the last Firing, until the trigger is armed again by hand (T8)."""

    def carried_over(self) -> GateMemory:
        """Return what a new version keeps: cooldown and session cap (T31)."""
        return GateMemory(last_decided=self.last_decided, session=self.session, session_fired=self.session_fired)


@dataclass
class Armed:
    text: TriggerText
    symbol: str
    book: Book
    gates: GateMemory
    condition: Condition | None = None
    state: Truth = UNKNOWN
    pending: Pending | None = None
    is_paused: bool = False
    has_gap: bool = False
    scheduled_after: int | None = None
    """Instants of a time trigger count from here on; None until the first mark."""
    leaves: dict[str, LeafMemory] = field(default_factory=dict[str, LeafMemory])

    def __post_init__(self) -> None:
        if self.text.agent_type in ("price_trigger", "technical_trigger"):
            self.condition = read_condition(self.text.agent_type, self.config, self.timeframe)
            self.leaves = {leaf.path: LeafMemory() for leaf in leaves_of(self.condition)}
        self.values = Values(self.book)

    @property
    def config(self) -> dict[str, Any]:
        return self.text.config

    @property
    def timeframe(self) -> str:
        return self.config.get("timeframe") or self.text.primary_timeframe

    @property
    def is_closed(self) -> bool:
        """Judged at candle closes, not at trades."""
        return self.config.get("evaluate") == "candle_close"

    @property
    def hold(self) -> dict[str, float]:
        return self.config.get("hold") or {}

    @property
    def counted_hold(self) -> int:
        return int(self.hold.get("trades", 0) or self.hold.get("candles", 0))

    @property
    def only_stable(self) -> bool:
        return bool(self.config.get("require_stable", False))

    def all_leaves(self) -> list[Leaf]:
        return list(leaves_of(self.condition)) if self.condition is not None else []

    def operands(self) -> list[Operand]:
        return [
            side for leaf in self.all_leaves() for side in (leaf.left, leaf.right, leaf.upper)
            if isinstance(side, Operand)
        ]  # fmt: skip

    def is_valid_from(self, ms: int) -> bool:
        begins = _epoch_ms(self.config.get("valid_from"))
        return begins is None or ms >= begins

    def forget(self) -> None:
        """Let the next evaluation be a baseline (T2)."""
        self.state = UNKNOWN
        self.has_gap = False
        for memory in self.leaves.values():
            memory.forget()

    # ---- gates (T9) ----

    def is_expired(self, decided_ms: int) -> bool:
        ends = _epoch_ms(self.config.get("valid_until"))
        most = self.config.get("max_firings")
        return (ends is not None and decided_ms >= ends) or (most is not None and self.gates.fired >= most)

    def closed_gate(self, decided_ms: int, candle: int | None, session: int) -> str | None:
        """Return the first gate that is closed, in the contract's order."""
        config, gates = self.config, self.gates
        if self.is_expired(decided_ms):
            return "expired"
        if self.condition is not None:
            fire, rearm = config.get("fire", "once_per_candle"), config.get("rearm", "on_false")
            if gates.is_completed:
                return "completed"
            if fire == "once_per_candle" and gates.candle is not None and gates.candle == candle:
                return "once_per_candle"
            if rearm == "manual" and gates.fired_in_session is not None:
                return "rearm"
            if rearm == "next_session" and gates.fired_in_session == session:
                return "rearm"
        cooldown_ms = round(config.get("cooldown_seconds", 0) * 1000)
        if gates.last_decided is not None and decided_ms - gates.last_decided < cooldown_ms:
            return "cooldown"
        cap = config.get("max_firings_per_session")
        if cap is not None and gates.session == session and gates.session_fired >= cap:
            return "cap"
        return None

    def remember_firing(self, decided_ms: int, candle: int | None, session: int) -> None:
        gates = self.gates
        counted = gates.session_fired if gates.session == session else 0
        self.gates = replace(
            gates,
            last_decided=decided_ms,
            candle=candle,
            fired=gates.fired + 1,
            session=session,
            session_fired=counted + 1,
            is_completed=gates.is_completed or (self.condition is not None and self.config.get("fire") == "once"),
            fired_in_session=session,
        )
