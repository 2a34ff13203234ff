"""Invented headlines: as pure a function of symbol and hour as the tape is."""

from __future__ import annotations

import random
import zlib
from collections.abc import Container, Mapping
from datetime import UTC, date, datetime
from typing import TypedDict

from ingest.simulator.listing import HOUR

_A_DAY = 6
_AN_HOUR = 10_000
_MOST_HOURS = 24 * 400
_HEADLINES = (
    "{} raises full-year guidance", "{} shares move as volume surges", "Analysts weigh in on {} ahead of earnings",
    "{} announces new buyback program", "What to watch in {} this week", "{} cuts guidance on weaker demand",
)  # fmt: skip


class Item(TypedDict):
    """As the vendor sends it; `datetime` in seconds, `id` grows with time."""

    category: str
    datetime: int
    headline: str
    id: int
    image: str
    related: str
    source: str
    summary: str
    url: str


def day_of(text: str) -> int:
    """Return the first ms of a day, UTC.

    Raises:
        ValueError: it is no YYYY-MM-DD.
    """
    day = date.fromisoformat(text)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def items(names: Mapping[str, str], from_ms: int, to_ms: int) -> list[Item]:
    """Return what was published of these symbols in [from_ms, to_ms), newest first.

    Args:
        names: Company names by symbol.
    """
    last = (to_ms - 1) // HOUR
    first = max(-(-from_ms // HOUR), last - _MOST_HOURS)
    hours = range(last, first - 1, -1)
    return [item for hour in hours for symbol in names if (item := _item(symbol, names[symbol], hour))]


class Newsroom:
    """Items that somebody wrote while the simulator ran, beside the invented ones."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def write(self, symbol: str, headline: str, *, at_ms: int) -> Item:
        """Publish an item at this second, with an id above those of its hour."""
        number = (at_ms // HOUR + 1) * _AN_HOUR + len(self._items)
        item: Item = {
            "category": "company", "datetime": at_ms // 1000, "headline": headline, "id": number, "image": "",
            "related": symbol, "source": "Simulator", "summary": headline,
            "url": f"http://localhost/news/written/{number}",
        }  # fmt: skip
        self._items.append(item)
        return item

    def items(self, symbols: Container[str], from_ms: int, to_ms: int) -> list[Item]:
        """Return what was written about these symbols and published in [from_ms, to_ms), newest first."""
        inside = [i for i in self._items if i["related"] in symbols and from_ms <= i["datetime"] * 1000 < to_ms]
        return inside[::-1]


def _item(symbol: str, name: str, hour: int) -> Item | None:
    drawn = random.Random(f"{symbol} {hour}")
    if drawn.random() > _A_DAY / 24:
        return None
    headline = drawn.choice(_HEADLINES).format(name)
    return {
        "category": "company", "datetime": hour * 3600, "headline": headline,
        "id": hour * _AN_HOUR + zlib.crc32(symbol.encode()) % _AN_HOUR, "image": "", "related": symbol,
        "source": "Simulator", "summary": f"{headline}. Invented text.",
        "url": f"http://localhost/news/{symbol}/{hour}",
    }  # fmt: skip
