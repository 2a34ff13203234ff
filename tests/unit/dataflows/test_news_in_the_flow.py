"""News beside the tape: the same firings live and after a restart, whatever was read first (T30, T34)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.clock import ManualClock
from core.wire.records import Firing, NewsRecord, TriggerRecord, decode, encode
from core.wire.topics import partition_of
from dataflows.bulletin import Bulletin, read_bulletin
from dataflows.control import Control, read_control
from dataflows.journal import Journal
from dataflows.partition import Found, Partition
from dataflows.poll import LogRecord, Poll
from dataflows.shard import Shard
from engine.engine import Engine, EngineConfig
from tests.kit.market_flow import control_records
from tests.kit.tape import START_MS, SYMBOLS, make_tape

CONFIG = EngineConfig(feed="simulator")
TAPE = [LogRecord(n, None, r.value) for n, r in enumerate(make_tape(seconds=60, partitions=1, trades_a_second=5))]
TRIGGER = TriggerRecord(
    pipeline_id="p-1", trigger_id="p-1/trigger", trigger_version=1, action="set", user_id="u", pipeline_version=1,
    at_ms=0, agent_type="news_trigger", config={"match": {"any": ["guidance"]}}, symbols=list(SYMBOLS),
)  # fmt: skip


def control(n: int = 0, **changed: object) -> Control:
    record = msgspec.structs.replace(TRIGGER, **changed)  # pyright: ignore[reportArgumentType]
    return read_control(control_records([record], first=n)[0])


def item(n: int, second: int, **changed: object) -> NewsRecord:
    published = START_MS + 1000 * second
    record = NewsRecord(
        news_id=f"n-{n}",
        symbols=[SYMBOLS[0]],
        published_ms=published,
        recv_ms=published + 500,
        headline=f"Guidance {n}",
    )
    return msgspec.structs.replace(record, **changed)  # pyright: ignore[reportArgumentType]


def bulletin(n: int, second: int) -> Bulletin:
    return read_bulletin(LogRecord(n, None, encode(item(n, second))))


def make_partition(journal: Path) -> Partition:
    return Partition(0, 1, Engine(CONFIG), Journal(journal, "c"))


def ids(*found: Found) -> list[tuple[str, int]]:
    return [(f.firing_id, f.trigger_version) for one in found for f in one.output.firings]


def test_an_item_fires_when_it_is_read(tmp_path: Path) -> None:
    partition = make_partition(tmp_path / "journal")
    partition.take(TAPE[:40], [control()], is_caught_up=True)
    partition.take(TAPE[40:80], [], is_caught_up=True)
    found = partition.take([], [bulletin(0, 30)], is_caught_up=True)
    (firing,) = found.output.firings
    assert (firing.kind, firing.symbol, firing.ts_ms) == ("news", SYMBOLS[0], START_MS + 30_000)
    assert partition.news_next == 1
    assert ids(partition.take([], [bulletin(0, 30)], is_caught_up=True)) == []


def test_after_a_restart_controls_and_news_meet_in_the_order_they_had(tmp_path: Path) -> None:
    """An item before a new version fires in the old one, one after it in the new one; so again after a kill."""
    told: list[Control | Bulletin] = [
        control(),
        bulletin(0, 30),
        control(1, trigger_version=2, config={"match": {"all": ["guidance"]}}),
        bulletin(1, 31),
    ]
    first = make_partition(tmp_path / "journal")
    live = [first.take([], told[:1], is_caught_up=True), first.take(TAPE[:100], [], is_caught_up=True)]
    saved, known = first.engine.snapshot(), first.book.known()
    live += [first.take([], [one], is_caught_up=True) for one in told[1:]]
    live.append(first.take(TAPE[100:], [], is_caught_up=True))
    assert [version for _, version in ids(*live)] == [1, 2]

    again = Partition(
        0, 1, Engine.restore(saved, CONFIG), Journal(tmp_path / "journal", "c"),
        trades_next=100, control_next=1, news_next=0, known=known,
    )  # fmt: skip
    # Both topics are read to their end first, and all at once.
    found = [
        again.take([], [told[0], told[2], told[1], told[3]], is_caught_up=False),
        again.take(TAPE[100:], [], is_caught_up=True),
    ]
    assert ids(*found) == ids(*live)
    assert (again.control_next, again.news_next) == (2, 2)


def test_an_item_goes_to_the_partitions_of_its_symbols_only(tmp_path: Path) -> None:
    partitions = 3
    found = [Partition(p, partitions, Engine(CONFIG), Journal(tmp_path / f"{p}", "c")) for p in range(partitions)]
    shard = Shard(found, ManualClock(), recent={}, checkpoint_interval_ms=10**9, keep_live=False)
    everywhere = frozenset(range(partitions))
    shard.process(Poll(control=control_records([TRIGGER]), caught_up=everywhere))
    early = encode(item(0, 0))
    shard.process(Poll(news=[LogRecord(0, None, early)], caught_up=everywhere))
    about = encode(item(1, 10, symbols=list(SYMBOLS)))
    effects = shard.process(Poll(news=[LogRecord(1, None, about)], caught_up=everywhere))
    fired = sorted(decode(o.value, Firing).symbol for o in effects.outgoing if o.topic == "firings")
    began = [s for s in SYMBOLS if partition_of(s, partitions) == partition_of(SYMBOLS[0], partitions)]
    assert fired == sorted(began)  # the others had been told no time yet: the item is the first they hear of it
    assert shard.positions().news == 2


def test_what_nobody_can_read_becomes_a_dead_letter(tmp_path: Path) -> None:
    shard = Shard([make_partition(tmp_path / "j")], ManualClock(), recent={}, checkpoint_interval_ms=10**9)
    poll = Poll(
        news=[LogRecord(n, None, value) for n, value in enumerate((b"{", b"{}", None, encode(item(0, 0, symbols=[]))))]
    )
    effects = shard.process(poll)
    assert [o.topic for o in effects.outgoing] == ["dead_letters"] * 4
