"""A checkpoint written by a child holds what was there when it was begun, and is put in place or thrown away whole."""

from __future__ import annotations

import threading
from pathlib import Path

from core.clock import ManualClock
from core.wire.trades import encode_trades
from dataflows.checkpoint import Extent, load
from dataflows.journal import Journal
from dataflows.offspring import ChildDraft, Offspring
from dataflows.partition import Partition
from dataflows.poll import LogRecord, Poll
from dataflows.shard import Shard
from engine.engine import Engine, EngineConfig
from tests.kit.market_flow import control_records
from tests.kit.tape import START_MS, SYMBOLS, frame_of, price_trigger

_ALL = frozenset({0})


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.fresh = folder / "fresh"
        self.offspring = Offspring({0: self.fresh}, self.clock)
        partition = Partition(0, 1, Engine(EngineConfig()), Journal(folder / "journal", "c"))
        self.shard = Shard(
            [partition], self.clock, recent={}, checkpoint_interval_ms=1_000, offspring=self.offspring, keep_live=False
        )
        self.shard.process(Poll(control=control_records([price_trigger("p-1", SYMBOLS[:1])]), caught_up=_ALL))
        self._offset = 0

    def trade(self) -> ChildDraft | None:
        frame = frame_of([(SYMBOLS[0], START_MS + self._offset, 100.0, 1.0)])
        record = LogRecord(self._offset, None, encode_trades(frame))
        self._offset += 1
        found = self.shard.process(Poll(trades={0: [record]}, caught_up=_ALL)).checkpoint
        assert found is None or isinstance(found, ChildDraft)
        return found


def test_the_state_is_that_of_the_moment_it_was_asked_for_whatever_came_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.trade() is None
    world.clock.advance(1_000)
    draft = world.trade()
    assert draft is not None
    expected = world.shard.draft().states[0]
    for _ in range(20):
        world.trade()
    assert draft.wait(threading.Event())
    assert load(world.fresh) == expected
    assert [(e.partition, e.control_next) for e in draft.extents] == [(0, 1)]


def test_one_is_written_at_a_time_and_the_next_waits_until_it_is_paid_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.advance(1_000)
    draft = world.trade()
    assert draft is not None
    world.clock.advance(2_000)
    assert world.trade() is None, "the first is still being written"
    assert draft.wait(threading.Event())
    world.clock.advance(5_000)
    assert world.trade() is None, "it took 2 s, and is paid for in 6"
    world.clock.advance(1_000)
    again = world.trade()
    assert again is not None
    again.discard()


def test_a_discarded_one_and_one_that_cannot_be_written_are_not_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.advance(1_000)
    draft = world.trade()
    assert draft is not None
    draft.discard()
    assert not draft.wait(threading.Event())
    nowhere = Offspring({0: tmp_path / "missing" / "fresh"}, world.clock)
    failed = nowhere.begin(draft.extents, _write)
    assert not failed.wait(threading.Event())


def test_nothing_is_waited_for_once_we_are_told_to_stop(tmp_path: Path) -> None:
    never, stopped = threading.Event(), threading.Event()
    stopped.set()
    slow = Offspring({0: tmp_path / "fresh"}, ManualClock())
    draft = slow.begin([Extent(0, "c", None, None)], lambda _number, _path: _wait(never))
    assert not draft.wait(stopped)


def test_a_child_that_hangs_is_ended_and_counted_and_the_next_may_begin(tmp_path: Path) -> None:
    clock = ManualClock()
    offspring = Offspring({0: tmp_path / "fresh"}, clock, most_s=60.0)
    extents = [Extent(0, "c", None, None)]
    hung = offspring.begin(extents, lambda _number, _path: _wait(threading.Event()))
    clock.advance(60_001)
    assert not hung.wait(threading.Event())
    assert offspring.hung == 1
    clock.advance(180_003)
    assert offspring.is_free, "its minute is paid for in three"
    assert offspring.begin(extents, _write).wait(threading.Event())
    assert offspring.hung == 1


def _wait(never: threading.Event) -> None:
    never.wait()


def _write(_number: int, path: Path) -> None:
    path.write_bytes(b"state")
