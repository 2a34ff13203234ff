"""Records of the news topic, understood: an item for the engines of the partitions its symbols lie in (T34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.errors import Malformed
from core.wire.records import NewsRecord, decode
from dataflows.poll import LogRecord
from engine.news_item import NewsItem


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One item, ready to be shown to every partition. `at_ms` is when it was received."""

    offset: int
    at_ms: int
    item: NewsItem

    def part(self, is_mine: Callable[[str], bool]) -> Bulletin | None:
        """Return the item with the symbols of one partition, None where it is about none of them."""
        symbols = tuple(symbol for symbol in self.item.symbols if is_mine(symbol))
        return replace(self, item=replace(self.item, symbols=symbols)) if symbols else None


def read_bulletin(record: LogRecord) -> Bulletin:
    """Read one record of the news topic.

    Raises:
        Malformed: bad JSON, a missing field, an item without an id or symbol.
    """
    told = decode(record.value or b"", NewsRecord)
    if not told.news_id or not any(told.symbols):
        raise Malformed("bad_record", f"news {told.news_id!r} about {told.symbols!r}: it needs an id and a symbol")
    item = NewsItem(
        told.news_id, tuple(filter(None, told.symbols)), told.published_ms, told.recv_ms, told.headline,
        told.summary, told.source, told.url,
    )  # fmt: skip
    return Bulletin(record.offset, told.recv_ms, item)
