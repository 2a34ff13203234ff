"""A writer of candles killed in the middle of spilling, again and again: every row it called safe arrives, once."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path

import msgspec

from core.settings import Settings
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.spill import Spill
from core.store.clickhouse.writer import BatchWriter
from dataflows.candle_rows import COLUMNS
from tests.kit.processes import running
from tests.kit.waiting import wait_until

_WRITER = Path(__file__).with_name("writing_candles.py")
_KILLS = 8


class Sums(msgspec.Struct):
    there: int
    highest: int
    distinct: int


def safe_in(file: Path) -> int:
    """Return how many rows the writer has said are safe; a line torn by the kill does not count."""
    if not file.exists():
        return 0
    lines = file.read_text().split("\n")[:-1]
    return int(lines[-1]) if lines else 0


def test_what_a_killed_writer_called_safe_arrives_and_no_row_twice(migrated: Settings, tmp_path: Path) -> None:
    dice = random.Random(7)
    spill, said = tmp_path / "spill", tmp_path / "safe"
    away = migrated.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    for kill in range(_KILLS):
        # Every other time ClickHouse is there: then it dies with batches sent whose files still lie on disk.
        found = away if kill % 2 == 0 else migrated
        before = safe_in(said)
        arguments = ["tests.integration.core.store.writing_candles", str(spill), str(said)]
        with running(found, arguments, tmp_path / "writer.log") as process:
            wait_until(lambda before=before: safe_in(said) > before, timeout_s=30, what="rows that are safe")
            time.sleep(dice.uniform(0, 0.2))
            process.kill()
    with contextlib.closing(ClickHouse(migrated)) as clickhouse:
        writer = BatchWriter(
            lambda table, names, columns, token: clickhouse.insert(table, names, columns, by_column=True, token=token),
            "candles", COLUMNS, Spill(spill, limit_bytes=10**9),
        ).start()  # fmt: skip
        assert writer.flush(60)
        assert writer.state().refused == 0
        writer.close()
        query = (
            "SELECT toInt64(count()) AS there, max(ts_ms) AS highest, toInt64(uniqExact(ts_ms)) AS distinct "
            "FROM candles FINAL"
        )
        [sums] = clickhouse.rows(query, {}, Sums)
    safe = safe_in(said)
    assert safe > 0
    assert list(spill.glob("*.batch")) == []
    assert sums.there == sums.distinct
    present = sums.highest // 60_000
    assert present >= safe, "everything that was safe is there"
    assert sums.there == present, "and nothing before the last of it is missing"
