"""Those who read a log that has let go of records they had not read."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from core.settings import Settings
from core.store import migrate
from core.wire.sure_reader import open_log
from core.wire.topics import partition_of, topics
from core.wire.trades import TradeFrame, encode_trades
from engine.trades import ALL_FLAGS
from tests.kit.log import put, put_tape, put_triggers, read_firings
from tests.kit.market_flow import beat_of, running_market, wait_for_beat
from tests.kit.processes import running
from tests.kit.stack import reachable_folder, running_stack
from tests.kit.tape import START_MS, SYMBOLS, TapeRecord, frame_of, marks, price_trigger
from tests.kit.waiting import wait_until

SYMBOL = SYMBOLS[0]
A_FRAME = 10_000
SMALLEST_MB = 64
A_LOT = bytes(np.random.default_rng(1).integers(0, 256, 400_000, np.uint8))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Settings]:
    """Settings on a broker that holds the least it can."""
    monkeypatch.setenv("TAPEWATCH_EMBEDDED_BROKER_MB", str(SMALLEST_MB))
    with reachable_folder() as folder, running_stack(folder / "data") as stack:
        settings = stack.settings_for_a_test(tmp_path)
        migrate.run(settings)
        yield settings


def test_a_flow_whose_unread_records_are_gone_says_so_and_fires_on_nothing_it_has_not_seen(
    own: Settings, tmp_path: Path
) -> None:
    open_log(own)
    partition = partition_of(SYMBOL, own.trades_partitions)

    def trade(at_ms: int, price: float) -> TapeRecord:
        return TapeRecord(partition, encode_trades(frame_of([(SYMBOL, START_MS + at_ms, price, 1.0)])))

    def mark(at_ms: int) -> list[TapeRecord]:
        return marks(START_MS + at_ms, partitions=own.trades_partitions)

    put_triggers(own, [price_trigger("p-1", [SYMBOL])])
    with running_market(own, tmp_path / "market.out") as market:
        wait_for_beat(own, market, what="the trigger armed", triggers=1)
        put_tape(own, [*mark(0), trade(10, 99.0), *mark(250)])
        wait_for_beat(own, market, what="all of it read", feed_ms=START_MS + 250)
        assert market.stop() == 0
    # Nobody saw the price come up: the first of these are gone when the flow comes back.
    put_tape(own, [TapeRecord(partition, fat_frame(START_MS + 300, seed)) for seed in range(200)])
    with running_market(own, tmp_path / "market.out") as market:
        beat = wait_for_beat(own, market, what="the loss counted", lost=1)
        assert beat.state == "degraded"
        assert "fell out of the log before they were read" in beat.detail
        put_tape(own, [*mark(1_000), trade(1_010, 101.0), trade(1_020, 99.0), trade(1_030, 101.0), *mark(1_250)])
        wait_for_beat(own, market, what="the rest read", feed_ms=START_MS + 1_250)
        wait_until(lambda: read_firings(own), timeout_s=60, what="the firing that was seen")
        assert market.stop() == 0
    assert [f.ts_ms - START_MS for f in read_firings(own)] == [1_030]


@pytest.mark.parametrize(
    ("arguments", "process", "consequence"),
    [
        (["agents.dispatch"], "dispatcher", "those firings became no executions"),
        (["dataflows.costs"], "costs", "the history does not have them"),
    ],
)
def test_whoever_reads_firings_says_which_of_them_are_gone(
    own: Settings, tmp_path: Path, arguments: list[str], process: str, consequence: str
) -> None:
    open_log(own)
    name = topics(own).firings.name

    def has_read(records: int) -> bool:
        beat = beat_of(own, process)
        return beat is not None and beat.numbers.get("malformed", beat.numbers.get("unreadable", 0)) >= records

    put(own, name, b"nobody can read this")
    with running(own, arguments, tmp_path / "first.out") as first:
        wait_until(lambda: has_read(1), timeout_s=60, what="the first record read")
        assert first.stop() == 0
    for _ in range(4 * SMALLEST_MB):
        put(own, name, A_LOT)
    with running(own, arguments, tmp_path / "second.out") as second:

        def says_so() -> bool:
            beat = beat_of(own, process)
            return beat is not None and beat.pid == second.pid and beat.numbers.get("lost", 0) > 0

        wait_until(says_so, timeout_s=60, what="the loss counted")
        beat = beat_of(own, process)
        assert beat is not None
        assert (beat.state, beat.detail.rpartition(": ")[2]) == ("degraded", consequence)


def fat_frame(at_ms: int, seed: int) -> bytes:
    """Return a record of trades above the trigger's price that cannot be compressed much."""
    chance = np.random.default_rng(seed)
    return encode_trades(
        TradeFrame(
            (SYMBOL,),
            np.zeros(A_FRAME, np.uint16),
            np.full(A_FRAME, at_ms, np.int64),
            np.full(A_FRAME, at_ms, np.int64),
            100.5 + chance.random(A_FRAME),
            chance.random(A_FRAME),
            np.full(A_FRAME, ALL_FLAGS, np.uint8),
            np.zeros(A_FRAME, np.uint64),
        )
    )
