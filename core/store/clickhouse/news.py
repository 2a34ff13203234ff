"""Headlines of a symbol, as the feed's news lists told them. Foreign text: data, whatever it says."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse


class StoredHeadline(msgspec.Struct, frozen=True, kw_only=True):
    news_id: str
    published_ms: int
    headline: str
    source: str


_LATEST = """
SELECT news_id, published_ms, headline, source FROM news FINAL
WHERE published_ms >= {after:Int64} AND published_ms <= {until:Int64} AND has(symbols, {symbol:String})
ORDER BY published_ms DESC, news_id LIMIT {limit:UInt32}"""


def latest(clickhouse: ClickHouse, symbol: str, *, after_ms: int, until_ms: int, limit: int) -> list[StoredHeadline]:
    """Return the newest headlines of a symbol that were published in [after_ms, until_ms], newest first.

    Raises:
        Unavailable: ClickHouse does not answer.
    """
    given = {"symbol": symbol, "after": after_ms, "until": until_ms, "limit": limit}
    return clickhouse.rows(_LATEST, given, StoredHeadline)
