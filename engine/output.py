"""What one call of the engine produced."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.closed_candles import ClosedCandles
from engine.firing import Firing, Suppression


@dataclass(slots=True)
class Output:
    """Firings and suppressions in decision order, candles in the order in which they closed."""

    firings: list[Firing] = field(default_factory=list[Firing])
    suppressions: list[Suppression] = field(default_factory=list[Suppression])
    candles: ClosedCandles = field(default_factory=ClosedCandles)
