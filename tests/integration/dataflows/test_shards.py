"""The market flow as several processes, and by turns under both runtimes: what is found stays the same."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from core.settings import Settings
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire.sure_reader import open_log
from core.wire.topics import topics
from tests.kit.log import put_tape, put_triggers, read_all, read_firings
from tests.kit.market_flow import Expected, beat_of, expected, running_market, wait_for_beat
from tests.kit.processes import RunningProcess
from tests.kit.tape import SYMBOLS, TapeRecord, make_tape, price_trigger
from tests.kit.waiting import wait_until

TRIGGERS = [
    price_trigger("p-btc", [SYMBOLS[0]]),
    price_trigger("p-all", SYMBOLS, value=100.5, cooldown_seconds=5),
    price_trigger("p-hold", SYMBOLS[1:3], value=99.5, hold={"seconds": 1}),
]
_WITHIN_S = 60


def stored(settings: Settings) -> list[StoredCandle]:
    """Return every row, those too that another row of the same candle stands in for."""
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows("SELECT * EXCEPT (version) FROM candles", {}, StoredCandle)


def assert_all_was_found_once(settings: Settings, should: Expected) -> None:
    """Wait for every firing and candle, and compare each with what a flow that is never interrupted finds."""
    wait_until(lambda: len(read_firings(settings)) >= len(should.firings), timeout_s=_WITHIN_S, what="all firings")
    wait_until(lambda: len(stored(settings)) >= len(should.candles), timeout_s=_WITHIN_S, what="all candles")
    found = read_firings(settings)
    assert len(found) == len(should.firings)
    assert {f.firing_id: f for f in found} == should.firings
    assert len(read_all(settings, topics(settings).suppressions.name)) == should.suppressions
    rows = stored(settings)
    assert len(rows) == len(should.candles)
    for row in rows:
        candle = should.candles[row.symbol, row.session, row.timeframe, row.ts_ms]
        assert (row.open, row.high, row.low, row.close, row.volume, row.trades, row.end_ms, row.partial) == (
            candle.open, candle.high, candle.low, candle.close, candle.volume, candle.trades, candle.end_ms,
            candle.partial,
        )  # fmt: skip


def _has_read_the_triggers(settings: Settings, process: RunningProcess, shard: int) -> bool:
    # A shard counts those triggers only that have symbols of its partitions: the state says that all are read.
    assert process.exit_code is None, process.output
    beat = beat_of(settings, f"market-{shard}")
    return beat is not None and beat.pid == process.pid and beat.state == "ok"


@contextlib.contextmanager
def several(settings: Settings, folder: Path, runtimes: Sequence[str]) -> Generator[list[RunningProcess]]:
    """Run a shard for each runtime named, until all have every trigger."""
    of = len(runtimes)
    with contextlib.ExitStack() as stack:
        shards = [
            stack.enter_context(running_market(settings, folder / f"{i}-of-{of}.out", runtime=runtime, shard=i, of=of))
            for i, runtime in enumerate(runtimes)
        ]
        for i, process in enumerate(shards):
            wait_until(
                lambda i=i, process=process: _has_read_the_triggers(settings, process, i),
                timeout_s=_WITHIN_S,
                what=f"shard {i} to have read the triggers",
            )
        yield shards


def read_to(settings: Settings, shards: Sequence[RunningProcess], tape: Sequence[TapeRecord]) -> None:
    """Wait until what is on the log has been read, and stop."""
    for i, process in enumerate(shards):
        own = sum(record.partition % len(shards) == i for record in tape)
        wait_until(
            lambda i=i, process=process: not wait_for_beat(settings, process, what="a beat", shard=i).numbers["lag"],
            timeout_s=_WITHIN_S,
            what=f"shard {i} to read its {own} records",
        )
    for process in shards:
        assert process.stop() == 0, process.output


@pytest.mark.parametrize("of", [2, 3])
def test_several_shards_find_together_what_one_finds(migrated: Settings, tmp_path: Path, of: int) -> None:
    open_log(migrated)
    tape = make_tape(seconds=300, partitions=migrated.trades_partitions)
    should = expected(migrated, tmp_path, TRIGGERS, tape)
    put_triggers(migrated, TRIGGERS)
    with several(migrated, tmp_path, ["bytewax", "loop", "bytewax"][:of]) as shards:
        put_tape(migrated, tape)
        assert_all_was_found_once(migrated, should)
        for process in shards:
            assert process.stop() == 0, process.output


def test_another_count_of_shards_or_another_runtime_goes_on_where_the_last_one_stopped(
    migrated: Settings, tmp_path: Path
) -> None:
    open_log(migrated)
    tape = make_tape(seconds=400, partitions=migrated.trades_partitions, seed=5)
    should = expected(migrated, tmp_path, TRIGGERS, tape)
    put_triggers(migrated, TRIGGERS)
    turns = (["bytewax"], ["loop"], ["loop", "bytewax"], ["bytewax"])
    cuts = [len(tape) * n // len(turns) for n in range(len(turns) + 1)]
    for runtimes, (first, last) in zip(turns, itertools.pairwise(cuts), strict=True):
        with several(migrated, tmp_path, runtimes) as shards:
            put_tape(migrated, tape[first:last])
            if last == len(tape):
                assert_all_was_found_once(migrated, should)
            read_to(migrated, shards, tape[first:last])
    assert_all_was_found_once(migrated, should)


def test_candles_that_two_shards_left_on_disk_are_written_by_the_one_after_them(
    migrated: Settings, tmp_path: Path
) -> None:
    open_log(migrated)
    away = migrated.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    tape = make_tape(seconds=200, partitions=migrated.trades_partitions, seed=8)
    should = expected(migrated, tmp_path, TRIGGERS, tape)
    put_triggers(away, TRIGGERS)
    with several(away, tmp_path, ["loop", "loop"]) as shards:
        put_tape(away, tape)
        wait_until(lambda: len(read_firings(away)) >= len(should.firings), timeout_s=_WITHIN_S, what="all firings")
        read_to(away, shards, tape)
    assert stored(migrated) == []
    with several(migrated, tmp_path, ["loop"]):
        assert_all_was_found_once(migrated, should)


def test_a_shard_without_a_partition_is_refused_in_one_line(migrated: Settings, tmp_path: Path) -> None:
    few = migrated.model_copy(update={"trades_partitions": 2})
    with running_market(few, tmp_path / "market.out", shard=2, of=3) as market:
        wait_until(lambda: market.exit_code is not None, timeout_s=_WITHIN_S, what="the shard to refuse")
        assert market.exit_code == 2
    assert "--shard 2 --of 3: there are 2 partitions" in market.output
