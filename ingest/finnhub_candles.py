"""History from the feed's own REST side, where the plan of the key has it."""

from __future__ import annotations

from core.wire.trades import History
from ingest.history import Window, roll_up
from ingest.rest import Rest


class FinnhubCandles:
    title = "the feed's candles"
    knows_now = True

    def __init__(self, rest: Rest, *, name: str) -> None:
        self._rest = rest
        self._name = name

    def covers(self, symbol: str) -> bool:  # noqa: ARG002 (it has all of them)
        return True

    def turn(self) -> float:
        return self._rest.turn()

    def candles(self, wanted: Window) -> list[History]:
        """Return the candles there are.

        Raises:
            NotAllowed, Unavailable: see `Rest.candles`.
        """
        ask = wanted.ask
        series = self._rest.candles(wanted.symbol, ask.resolution, wanted.from_ms // 1000, wanted.now_ms // 1000)
        if not series["t"]:
            return []
        found = roll_up(
            wanted.symbol, ask.timeframe, self._name, series, intervals=wanted.intervals, sessions=wanted.sessions,
            session=wanted.session, is_daily=ask.resolution == "D",
        )  # fmt: skip
        return [found] if found else []
