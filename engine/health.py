"""What the feed's state means for triggers (T20, T21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine import layout as at
from engine.candles import Candles
from engine.tables import Tables

HEALTHY = frozenset({"live", "quiet", "offline"})
"""Feed states in which expressions are evaluated (T20)."""


@dataclass(frozen=True, slots=True)
class FeedWords:
    """The feed's state as evidence tells it, at one place of the log. `by_symbol`: those that differ."""

    health: str
    by_symbol: Mapping[str, str]
    gap_ms: int

    def text(self, symbol: str) -> str:
        """Return the state, with the gap while there is one."""
        state = self.by_symbol.get(symbol, self.health)
        return f"{state} gap_ms={self.gap_ms}" if self.gap_ms else state


class FeedHealth:
    """The feed's state and that of symbols that differ, as the last mark said."""

    def __init__(self, tables: Tables, candles: Candles, *, reopen_wait_ms: int, health: str) -> None:
        self._tables = tables
        self._candles = candles
        self._reopen_wait_ms = reopen_wait_ms
        self.health = health
        self.by_symbol: dict[str, str] = {}
        self.gap_ms = 0

    def state_of(self, symbol: str) -> str:
        return self.by_symbol.get(symbol, self.health)

    def words(self) -> FeedWords:
        """Return the state for evidence; marks to come do not change it."""
        return FeedWords(self.health, self.by_symbol, self.gap_ms)

    def add(self, s: int) -> None:
        """Give a new symbol the feed's state."""
        if self.state_of(self._candles.symbols[s]) not in HEALTHY:
            self._tables.si[s, at.S_UNKNOWN] = 1

    def take(self, health: str, by_symbol: dict[str, str], *, gap_ms: int, now_ms: int) -> list[str]:
        """Take a mark's word; return the symbols whose values have just become UNKNOWN."""
        self.gap_ms = gap_ms
        if health == self.health and by_symbol == self.by_symbol and not self._is_reopening():
            return []
        before = {symbol: self.state_of(symbol) for symbol in self._candles.symbols}
        self.health, self.by_symbol = health, by_symbol
        lost: list[str] = []
        for s, symbol in enumerate(self._candles.symbols):
            row = self._tables.si[s]
            state = self.state_of(symbol)
            if before[symbol] == "halted" and state != "halted":
                row[at.S_REOPEN] = now_ms + self._reopen_wait_ms
            is_unknown = state not in HEALTHY or now_ms < row[at.S_REOPEN]
            if is_unknown and not row[at.S_UNKNOWN]:
                lost.append(symbol)
            row[at.S_UNKNOWN] = is_unknown
        return lost

    def _is_reopening(self) -> bool:
        si = self._tables.si[: self._tables.symbols]
        return bool((si[:, at.S_REOPEN] > 0).any() and (si[:, at.S_UNKNOWN] != 0).any())
