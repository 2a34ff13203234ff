"""What candles there are: by symbol, timeframe, session, feed and source, with their seams."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Candles of one source with none of another source between them, in one series.

    first_ms  start of the first; end_ms: end of the last. `next_source` is what took over there, empty at the end
    partial   how many began before they were watched
    """

    symbol: str
    timeframe: str
    session: str
    feed: str
    source: str
    candles: int
    partial: int
    first_ms: int
    end_ms: int
    seam_ms: int
    next_source: str


_RUNS = """
WITH
    series AS (
        SELECT symbol, timeframe, session, feed, source, ts_ms, end_ms, partial, seam_ms,
            source != lagInFrame(source, 1, '') OVER (
                PARTITION BY symbol, timeframe, session, feed ORDER BY ts_ms ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
            ) AS is_new
        FROM candles FINAL
        WHERE ({symbol:String} = '' OR symbol = {symbol:String})
          AND ({timeframe:String} = '' OR timeframe = {timeframe:String})
          AND ({feed:String} = '' OR feed = {feed:String})
    ),
    numbered AS (
        SELECT *, sum(is_new) OVER (
            PARTITION BY symbol, timeframe, session, feed ORDER BY ts_ms ROWS UNBOUNDED PRECEDING
        ) AS run
        FROM series
    ),
    runs AS (
        SELECT symbol, timeframe, session, feed, run, any(source) AS source, count() AS candles,
            countIf(partial) AS partial, min(ts_ms) AS first_ms, max(numbered.end_ms) AS end_ms,
            max(numbered.seam_ms) AS seam_ms
        FROM numbered GROUP BY symbol, timeframe, session, feed, run
    )
SELECT symbol, timeframe, session, feed, source, candles, partial, first_ms, end_ms, seam_ms,
    leadInFrame(source, 1, '') OVER (
        PARTITION BY symbol, timeframe, session, feed ORDER BY run ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
    ) AS next_source
FROM runs
ORDER BY symbol, session, indexOf(['1m', '5m', '15m', '1h', '4h', '1d'], timeframe), feed, first_ms
LIMIT {limit:UInt32}"""


def runs(
    clickhouse: ClickHouse, *, symbol: str = "", timeframe: str = "", feed: str = "", limit: int = 1_000
) -> list[Run]:
    """Return what there is, a line for each stretch of one source; empty words mean all.

    Raises:
        Unavailable: ClickHouse does not answer, or the question is too large for its memory.
    """
    return clickhouse.rows(_RUNS, {"symbol": symbol, "timeframe": timeframe, "feed": feed, "limit": limit}, Run)
