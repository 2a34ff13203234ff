"""What one call of the engine produced."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.closed_candles import ClosedCandles
from engine.firing import Firing, Suppression
from engine.records import Records


@dataclass(slots=True)
class Output:
    """Firings and suppressions in decision order, candles in the order in which they closed."""

    firings: Records[Firing] = field(default_factory=Records[Firing])
    suppressions: Records[Suppression] = field(default_factory=Records[Suppression])
    candles: ClosedCandles = field(default_factory=ClosedCandles)
