"""What the state of a symbol's feed means, in words a trader understands (T20, T21)."""

from __future__ import annotations

from core.wire.trades import FeedHealth

_HALTS_SEEN = "Halts are seen: the broker's status stream says when trading in a share is halted."
HALTS_NOT_SEEN = "Halts are not seen: {}."

_MEANING: dict[FeedHealth, str] = {
    "live": "trades are coming in",
    "quiet": "no trade for a minute, and the feed is alive: its triggers are judged",
    "stale": "no trades arrive though there should be some: its triggers rest",
    "disconnected": "no connection: its triggers rest",
    "halted": "trading is halted: its triggers rest",
    "closed": "its market is closed",
}


def feed_words(health: FeedHealth, detail: str = "") -> str:
    """Return what a state means; ingest's own reason stands for the state's general one where it has said it."""
    if not detail:
        return _MEANING[health]
    rests = ": its triggers rest" if health in ("stale", "disconnected", "halted") else ""
    return detail + rests


def halts_words(not_seen: str) -> str:
    """Return whether halts are seen; `not_seen` is why not, empty where they are."""
    return HALTS_NOT_SEEN.format(not_seen) if not_seen else _HALTS_SEEN
