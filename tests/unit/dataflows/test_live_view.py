from __future__ import annotations

from pathlib import Path

import msgspec

from core.clock import ManualClock
from core.store.redis import OfSymbol, Snapshot
from core.wire.trades import Mark, encode_mark, encode_trades
from dataflows.control import read_control
from dataflows.effects import LiveView
from dataflows.journal import Journal
from dataflows.live_view import LiveReader
from dataflows.partition import Partition
from dataflows.poll import LogRecord
from engine.engine import Engine, EngineConfig
from tests.kit.market_flow import control_records
from tests.kit.tape import START_MS, SYMBOLS, frame_of, price_trigger


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.partition = Partition(0, 1, Engine(EngineConfig(feed="simulator")), Journal(folder / "journal", "c"))
        self.reader = LiveReader([self.partition], self.clock)
        self._offset = 0

    def trade(self, *symbols: str, price: float = 100.0) -> None:
        self._take(encode_trades(frame_of([(s, START_MS + self._offset, price, 1.0) for s in symbols])))

    def mark(self, ms: int, **fields: object) -> None:
        known: dict[str, object] = {"feed_ms": START_MS + ms, "recv_ms": START_MS + ms, "feed": "simulator"}
        self._take(encode_mark(Mark(**{**known, **fields})))  # pyright: ignore[reportArgumentType]

    def after(self, ms: int) -> LiveView:
        self.clock.advance(ms)
        return self.reader.read(self.clock.monotonic()) or LiveView()

    def _take(self, value: bytes) -> None:
        found = self.partition.take([LogRecord(self._offset, None, value)], [], is_caught_up=True)
        self._offset += 1
        self.reader.touch(0, found.touched)


def read(view: LiveView) -> list[tuple[str, float | None]]:
    snapshots = [as_read(s) for s in view.snapshots]
    return [(s.symbol, s.price) for s in snapshots]


def as_read(snapshot: OfSymbol) -> Snapshot:
    return msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)


def test_a_symbol_is_shown_when_it_changes_and_at_most_five_times_a_second(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.trade(SYMBOLS[0])
    assert read(world.after(20)) == [(SYMBOLS[0], 100.0)]
    assert read(world.after(300)) == []
    shown = 0
    for n in range(50):
        world.trade(SYMBOLS[0], price=101.0 + n)
        shown += len(world.after(20).snapshots)
    assert 4 <= shown <= 6
    assert read(world.after(200)) == [(SYMBOLS[0], 150.0)]


def test_a_candle_that_closes_without_a_trade_and_a_feed_that_goes_stale_are_shown(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.trade(*SYMBOLS[:2])
    world.mark(1000)
    world.after(300)
    world.mark(63_000)
    assert len(world.after(300).snapshots) == 2
    world.mark(63_250, health="stale")
    assert {as_read(s).health for s in world.after(300).snapshots} == {"stale"}
    world.mark(63_500, health="stale")
    assert world.after(300).snapshots == []


def test_only_changed_trigger_states_are_told_and_gone_ones_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    armed, tombstone = control_records([price_trigger("p-1", SYMBOLS[:1])])[0], LogRecord(1, b"p-1", None)
    world.partition.take([], [read_control(armed)], is_caught_up=True)
    assert [s.trigger_id for s in world.after(1000).states] == ["p-1/node-1"]
    assert world.after(1000).states == []
    assert len(world.after(31_000).states) == 1, "all of it now and then, for a Redis that forgot"
    world.partition.take([], [read_control(tombstone)], is_caught_up=True)
    assert world.after(1000).gone == ["p-1/node-1"]
    assert world.after(1000).gone == []


def test_a_trigger_whose_definition_cannot_be_read_is_shown_as_invalid_until_it_is_mended(tmp_path: Path) -> None:
    world = World(tmp_path)
    broken = read_control(control_records([price_trigger("p-1", SYMBOLS[:1], operator="sideways")])[0])
    world.reader.note_control(broken)
    [state] = world.after(1000).states
    assert msgspec.to_builtins(state)["state"] == "invalid"
    mended = read_control(control_records([price_trigger("p-1", SYMBOLS[:1])])[0])
    world.reader.note_control(mended)
    world.partition.take([], [mended], is_caught_up=True)
    [state] = world.after(1000).states
    assert msgspec.to_builtins(state)["state"] != "invalid"


def test_what_fired_goes_out_before_the_page_is_shown_anything_but_not_for_long(tmp_path: Path) -> None:
    world = World(tmp_path)
    now = world.clock.monotonic() + 0.05
    assert world.reader.is_due(now, is_pressed=False)
    assert not world.reader.is_due(now, is_pressed=True)
    assert world.reader.is_due(now + 0.1, is_pressed=True)


def test_a_symbol_that_changes_while_it_rests_is_shown_after_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.trade(SYMBOLS[0])
    world.after(20)
    world.trade(SYMBOLS[0], price=101.0)
    world.trade(SYMBOLS[1], price=50.0)
    assert read(world.after(20)) == [(SYMBOLS[1], 50.0)]
    assert read(world.after(190)) == [(SYMBOLS[0], 101.0)]
