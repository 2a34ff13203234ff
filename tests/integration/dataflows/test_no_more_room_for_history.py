"""ClickHouse is away for so long that what waits for it fills all the disk it may have."""

from __future__ import annotations

import contextlib
from pathlib import Path

from core.settings import Settings
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire.sure_reader import open_log
from core.wire.topics import partition_of
from core.wire.trades import encode_trades
from tests.kit.log import put_tape
from tests.kit.market_flow import beat_of, expected, running_market, wait_for_beat
from tests.kit.tape import START_MS, TapeRecord, feed_ms_of, frame_of, marks
from tests.kit.waiting import wait_until

SYMBOLS = [f"BINANCE:T{n}USDT" for n in range(150)]
MINUTE_MS = 60_000
AN_HOUR = 60
LIMIT_MB = 1
A_PIECE = 40
"""Records: some minutes. What comes together is one batch, and goes together."""


def tape_of(partitions: int, *, minutes: int) -> list[TapeRecord]:
    """Return one trade a minute of every symbol: little to read, many candles."""
    found: list[TapeRecord] = []
    for at_ms in range(START_MS, START_MS + minutes * MINUTE_MS, MINUTE_MS):
        found += marks(at_ms, partitions=partitions)
        rows = [(symbol, at_ms + 1_000, 100.0 + n, 1.0) for n, symbol in enumerate(SYMBOLS)]
        for p in range(partitions):
            mine = [row for row in rows if partition_of(row[0], partitions) == p]
            found.append(TapeRecord(p, encode_trades(frame_of(mine))))
    return [*found, *marks(START_MS + minutes * MINUTE_MS + 10_000, partitions=partitions)]


def test_what_has_no_room_is_dropped_the_oldest_first_counted_and_said_and_the_rest_is_right(
    migrated: Settings, tmp_path: Path
) -> None:
    open_log(migrated)
    tape = tape_of(migrated.trades_partitions, minutes=AN_HOUR)
    should = expected(migrated, tmp_path, [], tape).candles
    away = migrated.model_copy(
        update={"clickhouse_url": "http://127.0.0.1:9", "spill_max_mb": LIMIT_MB, "checkpoint_interval_ms": 500}
    )
    with running_market(away, tmp_path / "away.out") as market:
        for end in range(A_PIECE, len(tape) + A_PIECE, A_PIECE):
            put_tape(away, tape[end - A_PIECE : end])
            wait_for_beat(away, market, what="a piece of it", feed_ms=feed_ms_of(tape[:end]))
        beat = wait_for_beat(away, market, what="candles dropped", history_lost=1)
        assert beat.state == "degraded"
        assert beat.detail == "history was dropped: ClickHouse is away and the disk for it is full"
        assert beat.numbers["history_spilled_bytes"] <= LIMIT_MB * 1_000_000
        assert market.stop() == 0
    with running_market(migrated, tmp_path / "back.out") as market:
        wait_for_beat(migrated, market, what="the rest written", history_written=1)
        wait_until(lambda: _waiting(migrated) == 0, timeout_s=60, what="all that waited written")
        assert market.stop() == 0
    with contextlib.closing(ClickHouse(migrated)) as clickhouse:
        stored = clickhouse.rows("SELECT * EXCEPT (version) FROM candles FINAL", {}, StoredCandle)
    found = {(c.symbol, c.session, c.timeframe, c.ts_ms): c for c in stored}
    assert 0 < len(found) <= len(should) - beat.numbers["history_lost"]
    assert all((c.open, c.close, c.trades) == (s.open, s.close, s.trades) for k, c in found.items() if (s := should[k]))
    latest = {key for key in should if key[2] == "1m" and key[3] == START_MS + (AN_HOUR - 1) * MINUTE_MS}
    assert latest <= set(found), "the oldest go first"


def _waiting(settings: Settings) -> float:
    beat = beat_of(settings)
    return -1 if beat is None else beat.numbers.get("history_waiting", -1)
