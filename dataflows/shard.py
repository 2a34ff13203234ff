"""The market flow's logic: a look at the log in, effects out. Both runtimes call this one thing.

Decisions depend on the log alone. The clock here only says when it is time for a checkpoint and for the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.errors import Malformed
from core.observability import logger
from core.wire.records import DeadLetter, encode
from dataflows.bulletin import Bulletin, read_bulletin
from dataflows.checkpoint import Draft, Extent, PartitionState, save
from dataflows.control import Control, read_control
from dataflows.effects import Effects
from dataflows.journal import Journal
from dataflows.live_view import LiveReader
from dataflows.offspring import ChildDraft, Offspring
from dataflows.outgoing import Outgoing, Recent, Where
from dataflows.partition import Found, Partition
from dataflows.poll import LogRecord, Poll
from dataflows.source import Positions
from engine.firing import Firing, Suppression

_log = logger(__name__)
_LONGEST_SHARE = 0.05
"""Taking states for checkpoints may cost this share of the flow's time at most; large states come less often."""


_NO_LOG = "none"
_QUICK = 10_000
"""So many symbols and triggers are saved in about half a second on a quiet machine."""


class Shard:
    """The partitions of one process. Not shared between threads."""

    def __init__(
        self,
        partitions: Sequence[Partition],
        clock: Clock,
        *,
        recent: Mapping[int, Recent],
        checkpoint_interval_ms: int,
        keep_live: bool = True,
        offspring: Offspring | None = None,
    ) -> None:
        """Args:
        offspring: Takes the states for checkpoints beside us; without it each is taken here, and holds all up.
        """
        self.partitions = {p.number: p for p in partitions}
        self.cluster_ids: dict[int, str] = {p.number: "" for p in partitions}
        self.firings = 0
        self.suppressed = Counter[str]()
        self._news_next: int | None = None
        self._news_lost = 0
        self._clock = clock
        self._recent = {p.number: recent.get(p.number, Recent()) for p in partitions}
        self._interval_s = checkpoint_interval_ms / 1000
        self._next_checkpoint = clock.monotonic() + self._interval_s
        self._offspring = offspring
        self._live = LiveReader(list(self.partitions.values()), clock) if keep_live else None

    @property
    def trades(self) -> int:
        return sum(p.numbers.trades for p in self.partitions.values())

    @property
    def unreadable(self) -> int:
        return sum(p.numbers.unreadable for p in self.partitions.values())

    @property
    def lost(self) -> int:
        """Count of records that the log had dropped before they were read."""
        return sum(p.numbers.lost for p in self.partitions.values()) + self._news_lost

    def dropped(self) -> dict[str, int]:
        """Return how many trades no engine took, by reason, and how many came late; only what there is."""
        found = Counter[str]()
        for partition in self.partitions.values():
            found.update(partition.engine.counters())
        return {reason: n for reason, n in found.items() if n and reason not in ("applied", "outside")}

    @property
    def triggers(self) -> int:
        """Count of trigger parts: one that names symbols of two partitions counts twice."""
        return sum(len(p.book) for p in self.partitions.values())

    @property
    def symbols(self) -> int:
        return sum(len(p.engine.symbols) for p in self.partitions.values())

    @property
    def feed_ms(self) -> int:
        """Feed time of the partition that is furthest behind, 0 before any mark."""
        return min((p.numbers.feed_ms for p in self.partitions.values()), default=0)

    def sentence(self) -> str:
        """Return what is going on, for people."""
        health = next((p.numbers.health for p in self.partitions.values() if p.numbers.health), "")
        feed = f"feed {health}" if health else "no feed yet"
        text = f"{feed}; {self.symbols} symbols, {self.triggers} triggers"
        if unusable := {reason: n for reason, n in self.dropped().items() if reason != "late"}:
            reasons = ", ".join(f"{reason.replace('_', ' ')} {n:,}" for reason, n in unusable.items())
            text += f"; unusable trades since its state began: {reasons}"
        return text

    def positions(self) -> Positions:
        """Return where to read on. Partitions differ in how far controls and news took effect; the least counts."""
        return Positions(
            cluster_id=next(iter(self.cluster_ids.values()), ""),
            control=_least([p.control_next for p in self.partitions.values()]),
            news=_least([p.news_next for p in self.partitions.values()]),
            trades={p.number: p.trades_next for p in self.partitions.values() if p.trades_next is not None},
        )

    def move_to(self, cluster_id: str, journals: Mapping[int, Journal]) -> bool:
        """Make ready to read a log; return whether it is another one than some partition was reading."""
        is_lost = False
        for number, partition in self.partitions.items():
            before = self.cluster_ids[number]
            is_same = before == cluster_id
            is_lost = is_lost or (before != "" and not is_same)
            partition.begin_log(
                journals[number],
                trades_next=partition.trades_next if is_same else None,
                control_next=partition.control_next if is_same else None,
                news_next=partition.news_next if is_same else None,
            )
            self.cluster_ids[number] = cluster_id
        self._news_next = self.positions().news
        return is_lost

    def lose_log(self) -> None:
        """Forget which log the offsets are of: the next one begins at its beginning."""
        self.cluster_ids = dict.fromkeys(self.cluster_ids, _NO_LOG)

    def process(self, poll: Poll) -> Effects:
        """Let one look at the log take effect."""
        effects = Effects()
        told = [*self._controls(poll.control, effects), *self._bulletins(poll.news, effects)]
        for number, partition in self.partitions.items():
            found = partition.take(poll.trades.get(number, ()), told, is_caught_up=number in poll.caught_up)
            self._add(partition, found, effects)
        now = self._clock.monotonic()
        if self._live is not None and self._live.is_due(now, is_pressed=bool(effects.outgoing)):
            effects.live = self._live.read(now)  # after what fired is on its way
        if now >= self._next_checkpoint and (self._offspring is None or self._offspring.is_free):
            effects.checkpoint = self.draft() if self._offspring is None else self._handed(self._offspring)
            took = self._clock.monotonic() - now
            self._next_checkpoint = now + max(self._interval_s, took / _LONGEST_SHARE)
        return effects

    @property
    def is_quick_to_save(self) -> bool:
        """Whether a stop has time for a last checkpoint; without it the next start repeats more of the log."""
        return self.symbols + self.triggers <= _QUICK

    def finish(self) -> Effects:
        """Return the last checkpoint."""
        return Effects(checkpoint=self.draft())

    def draft(self) -> Draft:
        return Draft(tuple(self._state(p) for p in self.partitions.values()))

    def _handed(self, offspring: Offspring) -> ChildDraft:
        extents = [
            Extent(p.number, self.cluster_ids[p.number], p.control_next, p.news_next) for p in self.partitions.values()
        ]
        return offspring.begin(extents, lambda number, path: save(path, self._state(self.partitions[number])))

    def recent(self) -> list[Outgoing]:
        """Return what was made of late, for a broker that has lost it."""
        return [o for recent in self._recent.values() for o in recent.all()]

    def _state(self, p: Partition) -> PartitionState:
        return PartitionState(
            partition=p.number,
            partitions=p.partitions,
            cluster_id=self.cluster_ids[p.number],
            trades_next=p.trades_next,
            control_next=p.control_next,
            news_next=p.news_next,
            known=p.book.known(),
            recent=self._recent[p.number].all(),
            is_delivered=True,
            saved_at_ms=self._clock.now_ms(),
            engine=p.engine.snapshot(),
        )

    def _controls(self, records: Sequence[LogRecord], effects: Effects) -> list[Control]:
        controls: list[Control] = []
        for record in records:
            try:
                control = read_control(record)
            except Malformed as problem:
                effects.outgoing.append(self._dead("triggers", record, problem))
                continue
            if control.problems:
                problem = Malformed("invalid_trigger", f"{control.trigger_id}: {control.problems}")
                effects.outgoing.append(self._dead("triggers", record, problem))
            if self._live is not None:
                self._live.note_control(control)
            controls.append(control)
        return controls

    def _bulletins(self, records: Sequence[LogRecord], effects: Effects) -> list[Bulletin]:
        bulletins: list[Bulletin] = []
        for record in records:
            if self._news_next is not None and (lost := record.offset - self._news_next) > 0:
                self._news_lost += lost
                _log.error("the log dropped news unread", count=lost, at=record.offset)
            self._news_next = record.offset + 1
            try:
                bulletins.append(read_bulletin(record))
            except Malformed as problem:
                effects.outgoing.append(self._dead("news", record, problem))
        return bulletins

    def _add(self, partition: Partition, found: Found, effects: Effects) -> None:
        made = [self._outgoing("firings", f, f.pipeline_id) for f in found.output.firings]
        made += [self._outgoing("suppressions", s, s.firing.pipeline_id) for s in found.output.suppressions]
        if made:
            self._recent[partition.number].add(made, self._clock.now_ms())
            self.firings += len(found.output.firings)
            self.suppressed.update(s.reason for s in found.output.suppressions)
        effects.outgoing += made
        effects.outgoing += [self._dead(f"trades/{partition.number}", r, why) for r, why in found.unreadable]
        effects.candles += found.output.candles
        if self._live is not None:
            self._live.touch(partition.number, found.touched)
            self._live.note_fired(f.trigger_id for f in found.output.firings)

    def _outgoing(self, topic: Where, record: Firing | Suppression, pipeline_id: str) -> Outgoing:
        return Outgoing(topic, pipeline_id.encode(), encode(record), self._clock.now_ms())

    def _dead(self, source: str, record: LogRecord, problem: Malformed) -> Outgoing:
        letter = DeadLetter(
            source=f"{source}@{record.offset}",
            reason=problem.reason,
            detail=problem.detail,
            at_ms=self._clock.now_ms(),
            original=record.value or b"",
        )
        return Outgoing("dead_letters", b"", encode(letter), letter.at_ms)


def _least(offsets: Sequence[int | None]) -> int | None:
    """Return the least offset; None, the beginning of the log, is less than any."""
    known = [offset for offset in offsets if offset is not None]
    return min(known) if known and len(known) == len(offsets) else None
