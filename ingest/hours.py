"""Whether a symbol's market is open at a feed time; asked often, so each answer is kept for as long as it holds."""

from __future__ import annotations

from engine.condition import Session
from engine.sessions import Calendars

_AHEAD_MS = 14 * 86_400_000
"""No calendar is shut for longer; a shut answer is kept no longer than this."""


class Hours:
    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._known: dict[tuple[str, Session], tuple[int, int, bool]] = {}

    def open_since(self, symbol: str, session: Session, at_ms: int) -> int | None:
        """Return when the session that holds `at_ms` opened, epoch ms; None while the market is shut."""
        key = (self._calendars.calendar_of(symbol), session)
        begins, ends, is_open = self._known.get(key, (0, 0, False))
        if not begins <= at_ms < ends:
            begins, ends, is_open = self._known[key] = self._find(symbol, session, at_ms)
        return begins if is_open else None

    def is_open(self, symbol: str, session: Session, at_ms: int) -> bool:
        return self.open_since(symbol, session, at_ms) is not None

    def _find(self, symbol: str, session: Session, at_ms: int) -> tuple[int, int, bool]:
        """Return [begin, end) of the span around `at_ms` in which the answer is the same, and the answer."""
        for opens, closes in self._calendars.bounds(symbol, session, at_ms, at_ms + _AHEAD_MS).tolist():
            return (opens, closes, True) if opens <= at_ms else (at_ms, opens, False)
        return at_ms, at_ms + _AHEAD_MS, False
