"""The market flow's logic: a look at the log in, effects out. Both runtimes call this one thing.

Decisions depend on the log alone. The clock here only says when it is time for a checkpoint and for the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.clock import Clock
from core.errors import Malformed
from core.wire.records import DeadLetter, encode
from dataflows.checkpoint import Draft, PartitionState
from dataflows.control import Control, read_control
from dataflows.effects import Effects
from dataflows.live_view import LiveReader
from dataflows.outgoing import Outgoing, Recent, Where
from dataflows.partition import Found, Partition
from dataflows.poll import LogRecord, Poll
from engine.firing import Firing, Suppression

_LONGEST_SHARE = 0.05
"""Taking states for checkpoints may cost this share of the flow's time at most; large states come less often."""


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
    ) -> None:
        self.partitions = {p.number: p for p in partitions}
        self.cluster_id = ""
        self.firings = 0
        self._clock = clock
        self._recent = {p.number: recent.get(p.number, Recent()) for p in partitions}
        self._interval_s = checkpoint_interval_ms / 1000
        self._next_checkpoint = clock.monotonic() + self._interval_s
        self._live = LiveReader(list(self.partitions.values()), clock) if keep_live else None

    def process(self, poll: Poll) -> Effects:
        """Let one look at the log take effect."""
        effects = Effects()
        controls = self._controls(poll.control, effects)
        for number, partition in self.partitions.items():
            found = partition.take(poll.trades.get(number, ()), controls, is_caught_up=number in poll.caught_up)
            self._add(partition, found, effects)
        now = self._clock.monotonic()
        if self._live is not None:
            effects.live = self._live.read(now)
        if now >= self._next_checkpoint:
            effects.checkpoint = self.draft()
            took = self._clock.monotonic() - now
            self._next_checkpoint = now + max(self._interval_s, took / _LONGEST_SHARE)
        return effects

    def finish(self) -> Effects:
        """Return the last checkpoint."""
        return Effects(checkpoint=self.draft())

    def draft(self) -> Draft:
        return Draft(tuple(self._state(p) for p in self.partitions.values()))

    def recent(self) -> list[Outgoing]:
        """Return what was made of late, for a broker that has lost it."""
        return [o for recent in self._recent.values() for o in recent.all()]

    def _state(self, p: Partition) -> PartitionState:
        return PartitionState(
            partition=p.number,
            partitions=p.partitions,
            cluster_id=self.cluster_id,
            trades_next=p.trades_next,
            control_next=p.control_next,
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

    def _add(self, partition: Partition, found: Found, effects: Effects) -> None:
        made = [self._outgoing("firings", f, f.pipeline_id) for f in found.output.firings]
        made += [self._outgoing("suppressions", s, s.firing.pipeline_id) for s in found.output.suppressions]
        if made:
            self._recent[partition.number].add(made, self._clock.now_ms())
            self.firings += len(found.output.firings)
        effects.outgoing += made
        effects.outgoing += [self._dead(f"trades/{partition.number}", r, why) for r, why in found.unreadable]
        effects.candles += found.output.candles
        if self._live is not None:
            self._live.touch(partition.number, found.touched)

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
