from __future__ import annotations

import pytest

from ingest.simulator import news
from ingest.simulator.listing import DAY, HOUR, listings

NOON = 1763726400000  # 2025-11-21 12:00Z
NAMES = {one.symbol: one.name for one in listings().values()}


def test_an_item_is_the_same_whoever_asks() -> None:
    of_all = news.items(NAMES, NOON - DAY, NOON)
    of_one = news.items({"AAPL": NAMES["AAPL"]}, NOON - 7 * DAY, NOON)
    assert [i for i in of_all if i["related"] == "AAPL"] == [i for i in of_one if i["datetime"] * 1000 >= NOON - DAY]


def test_ids_are_unique_and_grow_with_time_so_that_a_cursor_works() -> None:
    found = news.items(NAMES, NOON - 7 * DAY, NOON)
    assert len({i["id"] for i in found}) == len(found) > 500
    times = [i["datetime"] for i in sorted(found, key=lambda i: i["id"])]
    assert times == sorted(times)


def test_nothing_is_published_before_its_hour() -> None:
    assert all(i["datetime"] * 1000 < NOON + HOUR // 2 for i in news.items(NAMES, NOON - DAY, NOON + HOUR // 2))


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="month"):
        news.day_of("2026-13-40")
