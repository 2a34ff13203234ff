"""A Consumer whose messages are known to be of the log we think we read.

A broker that lost its memory comes back under a new cluster id and serves, without a word, whatever its new log
holds at our old offsets. So nothing that arrives after a silence or an error is handed on before the cluster id
has been asked again: only then is it known to be of the log we were reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from core.clock import Clock
from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire import kafka
from core.wire.position import LogLost

_log = logger(__name__)
_MOST_MESSAGES = 2_000
_SILENCE_S = 0.3
_IDLE_CHECK_S = 1.0
_ASK_TIMEOUT_S = 1.0

Place = tuple[str, int]
"""A topic and a partition."""


class SureReader:
    """Not shared between threads. While the broker is away it gives nothing, and `is_away` says so."""

    def __init__(
        self, settings: Settings, cluster_id: str, places: Sequence[Place], clock: Clock, *, group: str
    ) -> None:
        """Connect, and learn the bounds of the log.

        Raises:
            Unavailable: the broker does not answer.
            LogLost: it is another log already.
        """
        self._cluster_id = cluster_id
        self._clock = clock
        self._is_disturbed = False
        self._held: list[Message] = []
        self._last_at = self._asked_at = clock.monotonic()
        self.is_away = False
        self._consumer = kafka.consumer(settings, group=group, on_error=self._note)
        try:
            # The id is asked for last: all that was learnt before it is then of this log.
            self.bounds: Mapping[Place, tuple[int, int]] = kafka.bounds(settings, places)
            self._ask_cluster()
        except (Unavailable, LogLost):
            self._consumer.close()
            raise

    def assign(self, offsets: Mapping[Place, int]) -> None:
        """Read on from these offsets."""
        self._held = []
        self._consumer.assign([TopicPartition(t, p, offset) for (t, p), offset in offsets.items()])

    def read(self, wait_s: float, *, most: int = _MOST_MESSAGES) -> list[Message]:
        """Return what has arrived within the time; empty where nothing has.

        Raises:
            LogLost: the broker came back with another log.
        """
        if not self._held:
            first = self._consumer.poll(wait_s)
            if first is not None:
                self._held = kafka.values([first, *self._consumer.consume(most - 1, 0)])
        now = self._clock.monotonic()
        if not self._held:
            if now - max(self._last_at, self._asked_at) > _IDLE_CHECK_S:
                self._is_known_again()
            return []
        if (self._is_disturbed or now - self._last_at > _SILENCE_S) and not self._is_known_again():
            return []
        self._last_at = now
        messages, self._held = self._held, []
        return messages

    def end(self, place: Place) -> int:
        """Return the offset after the last record, as far as the client knows."""
        try:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
        except KafkaException:
            high = 0
        return max(high, self.bounds[place][1])

    def committed(self, places: Sequence[Place]) -> dict[Place, int]:
        """Return the offsets that this group has committed; places without one are left out.

        Raises:
            Unavailable: the broker does not answer.
        """
        try:
            found = self._consumer.committed([TopicPartition(*place) for place in places], timeout=_ASK_TIMEOUT_S)
        except KafkaException as error:
            raise Unavailable(f"Kafka: {error.args[0].str()}") from None
        return {(f.topic, f.partition): f.offset for f in found if f.offset >= 0}

    def commit(self, offsets: Mapping[Place, int]) -> bool:
        """Commit offsets for this group; return whether the broker took them."""
        try:
            self._consumer.commit(
                offsets=[TopicPartition(t, p, offset) for (t, p), offset in offsets.items()], asynchronous=False
            )
        except KafkaException:
            self._is_disturbed = True
            return False
        return True

    def close(self) -> None:
        self._consumer.close()

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


def open_log(settings: Settings) -> str:
    """Make the topics where they are missing, and return the id of the log that holds them.

    Raises:
        Unavailable: no broker answers.
    """
    kafka.ensure_topics(settings)
    return kafka.cluster_id(settings)
