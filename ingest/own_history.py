"""History that we have stored ourselves: candles of the same feed, whatever they came from then."""

from __future__ import annotations

from core.clock import Clock
from core.errors import Unavailable
from core.store.clickhouse import candles
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire.trades import History
from ingest.history import Window

OWN = "own:"
"""Before the name of what a stored candle came from, so that evidence says which of it was fetched anew."""
_AWAY_S = 30.0


class OwnHistory:
    """ClickHouse is left alone for a while after it did not answer: symbols are not to wait for it one by one."""

    title = "own history"
    knows_now = False

    def __init__(self, clickhouse: ClickHouse, clock: Clock, *, feed: str) -> None:
        self._clickhouse = clickhouse
        self._clock = clock
        self._feed = feed
        self._away_until = 0.0

    def covers(self, symbol: str) -> bool:  # noqa: ARG002 (it has all of them)
        return True

    def turn(self) -> float:
        return 0.0

    def candles(self, wanted: Window) -> list[History]:
        """Return the whole candles that are stored, one History for each source they came from.

        Raises:
            Unavailable: ClickHouse does not answer.
        """
        if len(wanted.intervals) == 0:
            return []
        if self._clock.monotonic() < self._away_until:
            raise Unavailable("ClickHouse did not answer a moment ago")
        first, last = int(wanted.intervals[0, 0]), int(wanted.intervals[-1, 0])
        try:
            rows = candles.between(
                self._clickhouse, wanted.symbol, wanted.ask.timeframe, session=wanted.session, feed=self._feed,
                first_ms=first, last_ms=last,
            )  # fmt: skip
        except Unavailable:
            self._away_until = self._clock.monotonic() + _AWAY_S
            raise
        ends = dict(wanted.intervals.tolist())
        usable = [row for row in rows if ends.get(row.ts_ms) == row.end_ms]
        return [_history(wanted, source, usable) for source in dict.fromkeys(row.source for row in usable)]


def _history(wanted: Window, source: str, rows: list[StoredCandle]) -> History:
    of_it = [row for row in rows if row.source == source]
    return History(
        symbol=wanted.symbol, session=wanted.session, timeframe=wanted.ask.timeframe,
        source=OWN + source,
        ts_ms=[r.ts_ms for r in of_it], open=[r.open for r in of_it], high=[r.high for r in of_it],
        low=[r.low for r in of_it], close=[r.close for r in of_it], volume=[r.volume for r in of_it],
        vwap=[r.vwap for r in of_it], trades=[r.trades for r in of_it], is_stored=True,
    )  # fmt: skip
