"""What a look at the log leads to: records for Kafka, candles for the history, a checkpoint when it is time."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.store.redis import OfSymbol, OfTrigger
from dataflows.checkpoint import Draft
from dataflows.offspring import ChildDraft
from dataflows.outgoing import Outgoing
from engine.firing import ClosedCandle


@dataclass(slots=True)
class LiveView:
    """What the page shows of now; each part replaces what was there."""

    snapshots: list[OfSymbol] = field(default_factory=list[OfSymbol])
    states: list[OfTrigger] = field(default_factory=list[OfTrigger])
    gone: list[str] = field(default_factory=list[str])
    """Triggers that are no more."""


@dataclass(slots=True)
class Effects:
    """In the order decided. `checkpoint` is the state after all of it."""

    outgoing: list[Outgoing] = field(default_factory=list[Outgoing])
    candles: list[ClosedCandle] = field(default_factory=list[ClosedCandle])
    live: LiveView | None = None
    checkpoint: Draft | ChildDraft | None = None

    def __bool__(self) -> bool:
        return bool(self.outgoing or self.candles or self.live or self.checkpoint)
