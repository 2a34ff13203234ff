"""How ingest stands, in one sentence for people: what keeps it from working, what is missing, or that all is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import Clock
from core.heartbeat import State

_RECENT_S = 60.0


@dataclass(slots=True)
class Troubles:
    """What is wrong with each neighbour; empty = nothing. The first of them is what is said."""

    log: str = ""
    leader: str = ""
    clock: str = ""
    link: str = "connecting"

    def first(self) -> str:
        return self.log or self.leader or self.clock or self.link


class Drops:
    """Remembers whether trades were dropped lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = 0
        self._until = 0.0

    def are_recent(self, dropped: int) -> bool:
        """Take the count so far; say whether it grew within the last minute."""
        if dropped > self._seen:
            self._seen, self._until = dropped, self._clock.monotonic() + _RECENT_S
        return self._clock.monotonic() < self._until


def sentence(
    troubles: Troubles,
    *,
    feed: str,
    subscribed: int,
    waiting: Sequence[str],
    limit: int,
    unknown: Sequence[str],
    refused: Sequence[str],
    feed_fault: str = "",
    stale: Sequence[str] = (),
    unknown_codes: bool = False,
    dropped: int,
) -> tuple[State, str]:
    """Return the state for the heartbeat, and why.

    Args:
        waiting: Symbols without a slot of the key.
        unknown: Symbols that the feed does not know.
        refused: REST features that the key may not use.
        feed_fault: What is wrong with the feed as a whole while it is connected, empty where nothing is.
        stale: Symbols whose quote moves and whose stream says nothing.
        unknown_codes: Whether more than one trade in a hundred carries a condition code we do not know.
        dropped: Trades dropped so far, 0 where that is long ago.
    """
    if troubles.first():
        return "waiting", troubles.first()
    lacks: list[str] = [feed_fault] if feed_fault else []
    if stale:
        lacks.append(f"no trades of {_some(stale)} while the quote moves: their triggers rest")
    if waiting:
        lacks.append(f"{_some(waiting)} without a slot: the key allows {limit}")
    if unknown:
        lacks.append(f"the feed does not know {_some(unknown)}")
    if unknown_codes:
        lacks.append("more than 1 % of the trades carry an unknown condition code: they count as volume only")
    if dropped:
        lacks.append(f"{dropped} trades dropped: Kafka was too slow or away")
    text = f"{subscribed} symbols from {feed}"
    candles = [feature for feature in refused if feature.endswith("_candle")]
    if candles:
        text += f"; no history ({', '.join(candles)} not allowed to this key): indicators warm up from live trades"
    others = [feature for feature in refused if feature not in candles]
    if others:
        text += f"; not allowed to this key: {', '.join(others)}"
    return ("degraded", "; ".join([*lacks, text])) if lacks else ("ok", text)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
