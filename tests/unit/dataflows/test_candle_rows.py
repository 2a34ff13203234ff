"""Candles as rows: which of two rows of one candle stays, and where the seam of a history is."""

from __future__ import annotations

from dataclasses import replace

from dataflows.candle_rows import COLUMNS, candle_rows
from engine.firing import ClosedCandle

LIVE = ClosedCandle(
    symbol="A", session="regular", timeframe="1m", ts_ms=600_000, end_ms=660_000, open=1.0, high=1.0, low=1.0,
    close=1.0, volume=1.0, vwap=1.0, trades=1, partial=False, source="stream", values={},
)  # fmt: skip


def history(minute: int) -> ClosedCandle:
    start = minute * 60_000
    return replace(LIVE, ts_ms=start, end_ms=start + 60_000, source="backfill", seam_ms=180_000)


def field(rows: list[tuple[object, ...]], name: str) -> list[object]:
    return [row[COLUMNS.index(name)] for row in rows]


def test_T22_a_live_candle_has_no_seam_and_each_of_a_history_knows_where_that_ended() -> None:
    rows = candle_rows([history(1), history(2), LIVE], "finnhub")
    assert field(rows, "seam_ms") == [180_000, 180_000, 0]
    assert field(rows, "source") == ["backfill", "backfill", "stream"]
    assert set(field(rows, "feed")) == {"finnhub"}


def test_history_replaces_what_was_partial_and_never_what_was_seen_whole() -> None:
    partial, complete, whole = candle_rows([replace(LIVE, partial=True), history(1), LIVE], "f")
    assert [partial[-1], complete[-1], whole[-1]] == [0, 1, 2]
