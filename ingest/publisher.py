"""Batches of trades, marks and history into topic `trades`, in one order a partition.

A batch is sent when it is full or 2 ms old. Where Kafka is slow, librdkafka's bounded buffer fills; where it is
full, trades are dropped and counted, never queued without bound. Marks follow the trades before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from core.clock import Clock
from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire import kafka
from core.wire.records import DeadLetter, encode
from core.wire.topics import partition_of, topics
from core.wire.trades import History, Mark, encode_history, encode_mark, encode_trades
from ingest.normaliser import Partitions, Row, pack

FULL = 1_000
_log = logger(__name__)
_LOG_LOST = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # pyright: ignore[reportPrivateUsage]


class Publisher:
    """Not shared between threads; `counts` says what was sent and what was lost, by name."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._topics = topics(settings)
        self._partitions = Partitions(settings.trades_partitions)
        self._producer = self._make()
        self._cluster_id = ""
        self._is_lost = False
        self.counts: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        if self._partitions.add(row) >= FULL:
            self.flush(partition_of(row.symbol, self._settings.trades_partitions))

    @property
    def has_waiting(self) -> bool:
        return len(self._partitions) > 0

    def flush_all(self) -> None:
        for partition in range(self._settings.trades_partitions):
            self.flush(partition)
        self._producer.poll(0)

    def flush(self, partition: int) -> None:
        rows = self._partitions.take(partition)
        if rows and self._send(partition, encode_trades(pack(rows)), on_lost=lambda: self._lose(len(rows))):
            self.counts["trades"] += len(rows)

    def mark(self, mark: Mark) -> None:
        """Put a mark behind all trades of every partition."""
        encoded = encode_mark(mark)
        for partition in range(self._settings.trades_partitions):
            self.flush(partition)
            self._send(partition, encoded, on_lost=lambda: None)
        self._producer.poll(0)

    def history(self, history: History) -> None:
        partition = partition_of(history.symbol, self._settings.trades_partitions)
        self.flush(partition)
        self._send(partition, encode_history(history), on_lost=lambda: self.counts.update(history_lost=1))

    def dead_letter(self, original: bytes, *, reason: str, detail: str) -> None:
        letter = DeadLetter(
            source="ingest", reason=reason, detail=detail, at_ms=self._clock.now_ms(), original=original
        )
        self._produce(self._topics.dead_letters.name, 0, encode(letter), on_lost=lambda: None)
        self.counts["dead_letters"] += 1

    def check_log(self) -> bool:
        """Return whether the log is another one than before (T: a broker that forgets); make its topics then.

        Raises:
            Unavailable: no broker answers.
        """
        try:
            found = str(self._producer.list_topics(timeout=2).cluster_id)
        except KafkaException as error:
            raise Unavailable(f"Kafka: {error.args[0].str()}") from None
        if found == self._cluster_id and not self._is_lost:
            return False
        kafka.ensure_topics(self._settings)
        if self._cluster_id:
            _log.warning("the broker has another log now: publishing anew", cluster=found)
            if self._settings.kafka_idempotence:
                self._renew()
        self._cluster_id, self._is_lost = found, False
        return True

    def close(self) -> None:
        self.flush_all()
        self._producer.flush(2)

    def _make(self) -> Producer:
        return kafka.producer(self._settings, compression="lz4")

    def _renew(self) -> None:
        """Take another producer, as the old one's sequence numbers are of the lost log; what it held is counted."""
        old, self._producer = self._producer, self._make()
        old.purge()
        old.flush(0.1)

    def _lose(self, trades: int) -> None:
        self.counts["trades_dropped"] += trades

    def _send(self, partition: int, value: bytes, *, on_lost: Callable[[], None]) -> bool:
        return self._produce(self._topics.trades.name, partition, value, on_lost=on_lost)

    def _produce(self, topic: str, partition: int, value: bytes, *, on_lost: Callable[[], None]) -> bool:
        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                return
            if error.code() in _LOG_LOST:
                self._is_lost = True
            on_lost()

        try:
            self._producer.produce(topic, value, partition=partition, on_delivery=delivered)
        except (BufferError, KafkaException) as error:
            if isinstance(error, KafkaException):
                self._is_lost = True
            on_lost()
            return False
        return True
