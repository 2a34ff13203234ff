"""However a partition's log is cut and wherever it is taken up again, it finds the same (T30, T31)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.wire.trades import encode_trades
from dataflows.control import Control, read_control
from dataflows.journal import Journal
from dataflows.partition import Found, Partition
from dataflows.poll import LogRecord
from engine.engine import Engine, EngineConfig
from engine.output import Output
from tests.kit.market_flow import control_records
from tests.kit.tape import START_MS, SYMBOLS, TapeRecord, frame_of, make_tape, marks, price_trigger

CONFIG = EngineConfig(feed="simulator")
TAPE = [LogRecord(n, None, r.value) for n, r in enumerate(make_tape(seconds=120, partitions=1, trades_a_second=30))]
FIRST = price_trigger("p-1", SYMBOLS[:3], cooldown_seconds=2)
SECOND = price_trigger("p-2", SYMBOLS[1:], value=100.3, hold={"seconds": 1})
CHANGES = [
    FIRST,
    SECOND,
    msgspec.structs.replace(FIRST, trigger_version=2, config={"operator": "crosses_below", "value": 99.9}),
    msgspec.structs.replace(SECOND, action="pause"),
    msgspec.structs.replace(SECOND, action="resume"),
]


def controls(at_ms: int = 0) -> list[Control]:
    return [replace(read_control(r), at_ms=at_ms) for r in control_records(CHANGES)]


def make_partition(journal: Path, cluster: str = "c") -> Partition:
    return Partition(0, 1, Engine(CONFIG), Journal(journal, cluster))


def all_found(parts: Sequence[Found]) -> Output:
    output = Output()
    for found in parts:
        output.firings += found.output.firings
        output.suppressions += found.output.suppressions
        output.candles += found.output.candles
    return output


def live_once(partition: Partition, where: Sequence[int]) -> list[Found]:
    """Read the tape as it happens: control n arrives when the record at where[n] is the next one."""
    parts = [partition.take([], [], is_caught_up=True)]
    bounds = [0, *where, len(TAPE)]
    for n, (first, last) in enumerate(itertools.pairwise(bounds)):
        arriving = controls()[n - 1 : n] if n else []
        parts.append(partition.take(TAPE[first:last], arriving, is_caught_up=True))
    return parts


def test_how_the_log_is_cut_into_polls_changes_nothing(tmp_path: Path) -> None:
    whole = all_found(live_once(make_partition(tmp_path / "a"), [0, 0, 500, 700, 900]))
    assert len(whole.firings) > 20
    chance = random.Random(4)
    partition = make_partition(tmp_path / "b")
    partition.take([], controls()[:2], is_caught_up=True)
    parts: list[Found] = [partition.take([], [], is_caught_up=True)]
    arriving = {500: 2, 700: 3, 900: 4}
    at = 0
    while at < len(TAPE):
        size = min(chance.randrange(1, 40), *(cut - at for cut in [*arriving, len(TAPE)] if cut > at))
        news = [controls()[arriving[at]]] if at in arriving else []
        parts.append(partition.take(TAPE[at : at + size], news, is_caught_up=True))
        at += size
    pieces = all_found(parts)
    assert pieces.firings == whole.firings
    assert pieces.candles == whole.candles


@pytest.mark.parametrize("cut", [1, 300, 499, 500, 501, 800, 1500])
def test_killed_anywhere_and_taken_up_from_a_checkpoint_it_finds_the_same_firings(tmp_path: Path, cut: int) -> None:
    """Controls came in between; read again they arrive at once, yet take effect where they did."""
    where = [0, 0, 500, 700, 900]
    whole = all_found(live_once(make_partition(tmp_path / "whole"), where))

    first = make_partition(tmp_path / "killed")
    checkpoint_at = cut // 2
    saved, kept, position = first.engine.snapshot(), first.book.known(), (0, 0)
    found: list[Found] = [first.take([], [], is_caught_up=True)]
    for offset in range(cut):
        if offset == checkpoint_at:
            saved, kept = first.engine.snapshot(), first.book.known()
            position = (first.trades_next or 0, first.control_next or 0)
        news = [controls()[n] for n, place in enumerate(where) if place == offset]
        found.append(first.take([TAPE[offset]], news, is_caught_up=True))

    again = Partition(
        0, 1, Engine.restore(saved, CONFIG), Journal(tmp_path / "killed", "c"),
        trades_next=position[0], control_next=position[1], known=kept,
    )  # fmt: skip
    # Down for a while: everything else of the log is there when it comes back, controls first.
    heard = [c for c, place in zip(controls(), where, strict=True) if place < cut and c.offset >= position[1]]
    later = [replace(c, at_ms=_received_at(p)) for c, p in zip(controls(), where, strict=True) if p >= cut]
    found.append(again.take([], [*heard, *later], is_caught_up=False))
    found.append(again.take(TAPE[position[0] :], [], is_caught_up=True))
    by_id = {f.firing_id: f for f in all_found(found).firings}
    assert by_id == {f.firing_id: f for f in whole.firings}


def _received_at(offset: int) -> int:
    """Return a time at which exactly the records before an offset have been received."""
    for record in TAPE[offset:]:
        probe = Partition(0, 1, Engine(CONFIG), Journal(Path("/nonexistent"), "c"))
        probe.take([record], [], is_caught_up=False)
        if probe.numbers.last_recv_ms:
            return probe.numbers.last_recv_ms
    raise AssertionError("nothing is received after that")


def test_in_a_log_from_the_past_a_trigger_is_not_armed_before_it_was_given(tmp_path: Path) -> None:
    middle_ms = START_MS + 60_000
    partition = make_partition(tmp_path / "journal")
    found = all_found([partition.take(TAPE, controls(middle_ms)[:1], is_caught_up=True)])
    assert found.firings
    assert min(f.decided_ms for f in found.firings) >= middle_ms


def test_what_cannot_be_read_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "journal")
    good = encode_trades(frame_of([(SYMBOLS[0], START_MS, 100.0, 1.0)]))
    records = [LogRecord(0, None, b"\x07\x07"), LogRecord(1, None, None), LogRecord(2, None, good)]
    found = partition.take(records, [], is_caught_up=True)
    assert [(r.offset, why.reason) for r, why in found.unreadable] == [(0, "version"), (1, "short")]
    assert partition.trades_next == 3
    assert partition.numbers.trades == 1


def test_in_a_new_log_it_begins_anew_and_keeps_what_it_knows(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "journal")
    partition.take([], controls()[:2], is_caught_up=True)
    partition.take(TAPE[:800], [], is_caught_up=True)
    partition.begin_log(Journal(tmp_path / "journal", "d"), trades_next=None, control_next=None)
    rest = [LogRecord(n, None, r.value) for n, r in enumerate(TAPE[800:])]
    again = all_found([partition.take(rest, controls()[:2], is_caught_up=True)])
    whole = make_partition(tmp_path / "whole")
    whole.take([], controls()[:2], is_caught_up=True)
    whole.take(TAPE[:800], [], is_caught_up=True)
    assert again.firings == all_found([whole.take(TAPE[800:], [], is_caught_up=True)]).firings


def test_marks_alone_close_candles_while_nothing_trades(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "journal")
    tape = [TapeRecord(0, encode_trades(frame_of([(SYMBOLS[0], START_MS, 100.0, 1.0)]))), *marks(START_MS + 62_000)[:1]]
    found = partition.take([LogRecord(n, None, r.value) for n, r in enumerate(tape)], [], is_caught_up=True)
    assert [(c.timeframe, c.close) for c in found.output.candles] == [("1m", 100.0)]


def test_records_that_fell_out_of_the_log_are_counted_and_values_begin_with_a_baseline(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "a")
    symbol = SYMBOLS[0]
    partition.take([], [read_control(r) for r in control_records([price_trigger("p-1", [symbol])])], is_caught_up=True)

    def trade(offset: int, at_ms: int, price: float) -> LogRecord:
        return LogRecord(offset, None, encode_trades(frame_of([(symbol, START_MS + at_ms, price, 1.0)])))

    def mark(offset: int, at_ms: int) -> LogRecord:
        return LogRecord(offset, None, marks(START_MS + at_ms, partitions=1)[0].value)

    before = partition.take([mark(0, 0), trade(1, 10, 99.0), mark(2, 250)], [], is_caught_up=True)
    # Offsets 3 to 9 are gone, and nobody knows where the price has been.
    after = partition.take(
        [trade(10, 9_000, 101.0), mark(11, 9_250), trade(12, 9_300, 101.5)], [], is_caught_up=True
    )  # fmt: skip
    assert not before.output.firings
    assert not after.output.firings, "neither while it is UNKNOWN nor at the baseline"
    assert partition.numbers.lost == 7
    again = partition.take([trade(13, 9_400, 99.0), trade(14, 9_500, 101.0)], [], is_caught_up=True)
    assert [f.price for f in again.output.firings] == [101.0]


def test_a_log_whose_beginning_is_gone_before_the_first_read_is_no_loss(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "a")
    partition.take([LogRecord(500, None, TAPE[0].value)], [], is_caught_up=True)
    assert partition.numbers.lost == 0
