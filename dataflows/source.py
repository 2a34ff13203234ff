"""Reading the log: one Consumer for all trade partitions of a process and the control topic.

A broker that lost its memory comes back under a new cluster id and serves, without a word, whatever its new log
holds at our old offsets. So nothing that arrives after a silence or an error is handed on before the cluster id
has been asked again: only then is it known to be of the log we were reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from core.clock import Clock
from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire import kafka
from core.wire.topics import topics
from dataflows.poll import LogRecord, Poll
from dataflows.position import LogLost, start_of

_log = logger(__name__)
_MOST_MESSAGES = 2_000
_BLOCK_S = 0.005
_SILENCE_S = 0.3
_IDLE_CHECK_S = 1.0
_ASK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Positions:
    """The next offsets to read of one log; `trades` by partition. None or absent is the beginning."""

    cluster_id: str
    control: int | None
    trades: Mapping[int, int]


class LogReader:
    """Reads the control topic to its end first, then trades and control together.

    Not shared between threads. `read` waits at most 5 ms for the first message. While the broker is away it
    returns nothing, and `is_away` says so.
    """

    def __init__(self, settings: Settings, positions: Positions, partitions: Sequence[int], clock: Clock) -> None:
        names = topics(settings)
        self._trades, self._control = names.trades.name, names.triggers.name
        self._cluster_id = positions.cluster_id
        self._clock = clock
        self._partitions = tuple(partitions)
        self._is_disturbed = False
        self._held: list[Message] = []
        self._last_at = self._asked_at = clock.monotonic()
        self._reads_trades = False
        self.is_away = False
        self._consumer = kafka.consumer(settings, on_error=self._note)
        try:
            # The id is asked for last: all that was learnt before it is then of this log.
            found = kafka.bounds(settings, [(self._control, 0), *((self._trades, p) for p in self._partitions)])
            self._ask_cluster()
            self._control_next = _first(self._control, 0, positions.control, found)
            self._next = {p: _first(self._trades, p, positions.trades.get(p), found) for p in self._partitions}
        except (Unavailable, LogLost):
            self._consumer.close()
            raise
        self._control_end = found[self._control, 0][1]
        self._end = {p: found[self._trades, p][1] for p in self._partitions}
        self._consumer.assign([TopicPartition(self._control, 0, self._control_next)])

    def read(self) -> Poll:
        """Return what has arrived; empty where nothing has.

        Raises:
            LogLost: the broker came back with another log.
        """
        if not self._reads_trades and self._control_next >= self._control_end:
            self._begin_trades()
        if not self._held:
            first = self._consumer.poll(_BLOCK_S)
            if first is not None:
                self._held = kafka.values([first, *self._consumer.consume(_MOST_MESSAGES, 0)])
        now = self._clock.monotonic()
        if not self._held:
            if now - max(self._last_at, self._asked_at) > _IDLE_CHECK_S:
                self._is_known_again()
            return Poll(caught_up=self._caught_up())
        if (self._is_disturbed or now - self._last_at > _SILENCE_S) and not self._is_known_again():
            return Poll(caught_up=frozenset())
        self._last_at = now
        messages, self._held = self._held, []
        return self._sorted(messages)

    @property
    def is_complete(self) -> bool:
        """Whether the control topic has been read to its end, so that trades are read too."""
        return self._reads_trades

    def lag(self) -> int:
        """Return how many records of the trade partitions lie unread, as far as the client knows."""
        return sum(max(0, self._high(p) - self._next[p]) for p in self._partitions)

    def close(self) -> None:
        self._consumer.close()

    def _begin_trades(self) -> None:
        self._consumer.assign(
            [
                TopicPartition(self._control, 0, self._control_next),
                *(TopicPartition(self._trades, p, self._next[p]) for p in self._partitions),
            ]
        )
        self._reads_trades = True

    def _sorted(self, messages: Sequence[Message]) -> Poll:
        poll = Poll()
        for message in messages:
            offset, partition = message.offset(), message.partition()
            if offset is None or partition is None:
                continue
            record = LogRecord(offset, message.key(), message.value())
            if message.topic() == self._control:
                poll.control.append(record)
                self._control_next = offset + 1
            else:
                poll.trades.setdefault(partition, []).append(record)
                self._next[partition] = offset + 1
        poll.caught_up = self._caught_up()
        return poll

    def _caught_up(self) -> frozenset[int]:
        return frozenset(p for p in self._partitions if self._reads_trades and self._next[p] >= self._end[p])

    def _high(self, partition: int) -> int:
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self._trades, partition), cached=True)
        except KafkaException:
            high = 0
        return max(high, self._end[partition])

    def _is_known_again(self) -> bool:
        try:
            self._ask_cluster()
        except Unavailable:
            self.is_away = self._is_disturbed = True
            return False
        self.is_away = False
        return True

    def _ask_cluster(self) -> None:
        """Make sure that it is still our log; whatever was received before this is then of it."""
        self._is_disturbed = False
        found = kafka.cluster_of(self._consumer, timeout_s=_ASK_TIMEOUT_S)
        self._asked_at = self._clock.monotonic()
        if found != self._cluster_id:
            raise LogLost(f"the broker has come back as {found!r}, it was {self._cluster_id!r}")

    def _note(self, _error: KafkaError) -> None:
        self._is_disturbed = True


def _first(topic: str, partition: int, stored: int | None, bounds: Mapping[tuple[str, int], tuple[int, int]]) -> int:
    start = start_of(stored, *bounds[topic, partition])
    if start.skipped:
        _log.warning("the log has dropped records unread", topic=topic, partition=partition, count=start.skipped)
    return start.offset


def open_log(settings: Settings) -> str:
    """Make the topics where they are missing, and return the id of the log that holds them.

    Raises:
        Unavailable: no broker answers.
    """
    kafka.ensure_topics(settings)
    return kafka.cluster_id(settings)
