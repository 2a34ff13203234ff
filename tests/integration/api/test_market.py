"""Candles as the page gets them: one feed at a time, each candle with its source."""

from __future__ import annotations

from uuid import uuid4

from api.context import Context
from dataflows.candle_rows import COLUMNS
from tests.kit.api import Person

NOON_MS = 1_795_435_200_000


def _store(ctx: Context, feed: str, first: int, sources: list[str]) -> None:
    rows: list[tuple[object, ...]] = []
    for n, source in enumerate(sources, first):
        start, seam = NOON_MS + n * 60_000, 0 if source == "stream" else NOON_MS
        prices = (float(n + 1), 9.0, 0.5, 2.0, 10.0, 2.0)
        rows.append(
            (
                "TEST:A",
                "regular",
                "1m",
                feed,
                start,
                start + 60_000,
                *prices,
                3,
                False,
                source,
                seam,
                {"SMA_20": 1.0},
                2,
            )
        )
    ctx.clickhouse.insert("candles", COLUMNS, rows, by_column=False, token=uuid4().hex)


def test_a_chart_shows_one_feed_and_where_each_candle_comes_from(person: Person, app_context: Context) -> None:
    _store(app_context, "finnhub", 0, ["backfill", "stream"])
    _store(app_context, "simulator", 0, ["stream"])
    newest = person.get("/market/candles?symbol=TEST:A&timeframe=1m").json()
    assert newest["feed"] == "finnhub", "the one with the newest candle"
    assert [(c["open"], c["source"]) for c in newest["candles"]] == [(1.0, "backfill"), (2.0, "stream")]
    other = person.get("/market/candles?symbol=TEST:A&timeframe=1m&feed=simulator").json()
    assert (other["feed"], len(other["candles"])) == ("simulator", 1)
    nothing = person.get("/market/candles?symbol=TEST:A&timeframe=1m&feed=nobody").json()
    assert (nothing["feed"], nothing["candles"]) == ("", [])
