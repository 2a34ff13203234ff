"""Trades of the stream beside those of files: each is itself by its place in the log, however often it is read."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse

# A key is made longer only by a column that comes with it, in one statement.
_PLACE = (
    "ALTER TABLE trades_tape ADD COLUMN log_at Int64 "
    "COMMENT 'place in its partition of the log: offset * 65536 + number in the record; 0 of a file', "
    "MODIFY ORDER BY (symbol, feed, source, ts_ms, nth, log_at)"
)
_TOLD = (
    "ALTER TABLE trades_tape ADD COLUMN IF NOT EXISTS recv_ms Int64 COMMENT 'receipt; 0 of a file'",
    "ALTER TABLE trades_tape ADD COLUMN IF NOT EXISTS flags UInt8 DEFAULT 7 "
    "COMMENT 'what it sets: 1 the last price, 2 high and low, 4 it counts in volume'",
    "ALTER TABLE trades_tape ADD COLUMN IF NOT EXISTS codes UInt64 COMMENT 'a bit for each condition code'",
)
_HAS_PLACE = (
    "SELECT name FROM system.columns WHERE database = {database:String} AND table = 'trades_tape' AND name = 'log_at'"
)


class _Column(msgspec.Struct, frozen=True):
    name: str


def apply(clickhouse: ClickHouse) -> None:
    if not clickhouse.rows(_HAS_PLACE, {"database": clickhouse.database}, _Column):
        clickhouse.command(_PLACE)
    for statement in _TOLD:
        clickhouse.command(statement)
