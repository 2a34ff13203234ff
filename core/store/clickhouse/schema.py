"""The tables of ClickHouse, brought to the version of this program by numbered migrations.

Times are epoch milliseconds UTC, partitions are months of event time, order keys are what the page asks by.
Delivery is at least once, so each table replaces rows of one key; readers say FINAL and see no duplicate.
For the same reason the roll-ups are views and no materialised sums, which would count a repeat twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.migrations import m0001, m0002, m0003, m0004


@dataclass(frozen=True, slots=True)
class Migration:
    """`apply` may be run again after it stopped half-way, and beside another process that runs it."""

    version: int
    about: str
    apply: Callable[[ClickHouse], None]


MIGRATIONS = (
    Migration(1, "first tables", m0001.apply),
    Migration(2, "candles by feed, with seams", m0002.apply),
    Migration(3, "news, trades, imports, roll-ups by day", m0003.apply),
    Migration(4, "trades of the stream", m0004.apply),
)
_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version UInt32, about String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree ORDER BY version"""


class _Applied(msgspec.Struct, frozen=True):
    version: int


def create(clickhouse: ClickHouse, *, up_to: int = MIGRATIONS[-1].version) -> list[Migration]:
    """Create the database, apply the migrations it lacks and return them; a newer database is left alone.

    Raises:
        Unavailable: ClickHouse does not answer; call it again.
    """
    clickhouse.create_database()
    clickhouse.command(_VERSIONS)
    applied = {row.version for row in clickhouse.rows("SELECT version FROM schema_versions", {}, _Applied)}
    lacking = [m for m in MIGRATIONS if m.version not in applied and m.version <= up_to]
    for migration in lacking:
        migration.apply(clickhouse)
        values = f"({migration.version}, '{migration.about}')"
        clickhouse.command(f"INSERT INTO schema_versions (version, about) VALUES {values}")
    return lacking
