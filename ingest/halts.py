"""Which symbols' trading is halted, as a status source says (T21). Finnhub has no status channel; a broker may."""

from __future__ import annotations

from dataclasses import dataclass

HALTING = frozenset("2HP")
"""Status codes: trading halt (tapes A and B), trading halt, volatility pause (tape C)."""
RESUMING = frozenset("3T")
"""Trading resumed. Quotes that come back before it (Q) are no trading, and other codes say nothing of halts."""
_AFTER_MS = 1_000


@dataclass(frozen=True, slots=True)
class Status:
    """A message of a status source. `at_ms` is the exchange's time; `reason` is the tape's, for people."""

    symbol: str
    code: str
    reason: str
    at_ms: int


class Halts:
    """Not shared between threads. `missing` says why halts are not seen, empty while they are.

    A source that was away for a moment may have missed a resumption, and none tells what was before it was asked: a
    trade dated after the halt ends it too.
    """

    def __init__(self, missing: str = "no status source is connected") -> None:
        self.missing = missing
        self._halted: dict[str, Status] = {}

    def take(self, status: Status) -> None:
        known = self._halted.get(status.symbol)
        if known is not None and status.at_ms < known.at_ms:
            return
        if status.code in HALTING:
            self._halted[status.symbol] = status
        elif status.code in RESUMING:
            self._halted.pop(status.symbol, None)

    def reason(self, symbol: str, *, last_trade_ms: int) -> str | None:
        """Return why a symbol is halted, None where it is not.

        Args:
            last_trade_ms: Exchange time of the last trade heard of it, 0 where there was none.
        """
        status = self._halted.get(symbol)
        if status is None:
            return None
        if last_trade_ms > status.at_ms + _AFTER_MS:
            del self._halted[symbol]
            return None
        return f"trading is halted ({status.reason})" if status.reason else "trading is halted"
