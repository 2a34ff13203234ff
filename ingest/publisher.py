"""Batches of trades, marks and history into topic `trades`, in one order a partition.

A batch is sent when it is full, or at once where the one before it is 2 ms old. Where Kafka is slow, librdkafka's
bounded buffer fills; where it is full, trades are dropped and counted, never queued without bound. Marks follow the
trades before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from core.clock import Clock
from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire import kafka
from core.wire.records import DeadLetter, FeedHealthRecord, NewsRecord, Record, encode
from core.wire.topics import partition_of, topics
from core.wire.trades import FeedHealth, History, Mark, encode_history, encode_mark, encode_trades
from ingest.normaliser import Partitions, Row, pack

FULL = 1_000
BUFFER_KB = 128 * 1024
"""What may wait for Kafka: 3 million trades, or the 30 s after which a message is given up."""
_log = logger(__name__)
_LOG_LOST = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # pyright: ignore[reportPrivateUsage]


class Publisher:
    """Not shared between threads; `counts` says what Kafka has and what was dropped, by name.

    `buffer_kb` bounds what waits for a slow Kafka; what does not fit is dropped and counted, newest first.
    """

    def __init__(self, settings: Settings, clock: Clock, *, buffer_kb: int = BUFFER_KB) -> None:
        self._buffer_kb = buffer_kb
        self._settings = settings
        self._clock = clock
        self._topics = topics(settings)
        self._partitions = Partitions(settings.trades_partitions)
        self._producer = self._make()
        self._cluster_id = ""
        self._is_lost = False
        # Counted here: the client's own length has its requests and its unread errors in it.
        self._unanswered = 0
        self.counts: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        if self._partitions.add(row) >= FULL:
            self.flush(partition_of(row.symbol, self._settings.trades_partitions))

    @property
    def has_waiting(self) -> bool:
        return len(self._partitions) > 0

    @property
    def buffered(self) -> int:
        """Messages that Kafka has not acknowledged yet; bounded by `buffer_kb`."""
        return self._unanswered

    def flush_all(self) -> None:
        for partition in range(self._settings.trades_partitions):
            self.flush(partition)
        self._producer.poll(0)

    def flush(self, partition: int) -> None:
        rows = self._partitions.take(partition)
        if rows:
            count = len(rows)
            self._send(
                partition,
                encode_trades(pack(rows)),
                on_lost=lambda: self.counts.update(trades_dropped=count),
                on_sent=lambda: self.counts.update(trades=count),
            )

    def mark(self, mark: Mark) -> None:
        """Put a mark behind all trades of every partition; each is told of its own symbols only."""
        count = self._settings.trades_partitions
        differing: list[dict[str, FeedHealth]] = [{} for _ in range(count)]
        for symbol, health in mark.symbols.items():
            differing[partition_of(symbol, count)][symbol] = health
        for partition, symbols in enumerate(differing):
            self.flush(partition)
            encoded = encode_mark(msgspec.structs.replace(mark, symbols=symbols))
            self._send(partition, encoded, on_lost=lambda: self.counts.update(marks_dropped=1))
        self._producer.poll(0)

    def history(self, history: History) -> None:
        partition = partition_of(history.symbol, self._settings.trades_partitions)
        self.flush(partition)
        self._send(partition, encode_history(history), on_lost=lambda: self.counts.update(history_lost=1))

    def feed_health(self, change: FeedHealthRecord) -> None:
        self._record(self._topics.feed_health.name, change, key=f"{change.feed}|{change.symbol}")

    def news(self, item: NewsRecord, *, on_sent: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Publish an item and call one of the two, within a flush of ours."""

        def sent() -> None:
            self.counts["news"] += 1
            on_sent()

        self._produce(
            self._topics.news.name, 0, encode(item), key=item.news_id, on_lost=on_lost, on_sent=sent
        )  # fmt: skip

    def dead_letter(self, original: bytes, *, reason: str, detail: str) -> None:
        letter = DeadLetter(
            source="ingest", reason=reason, detail=detail, at_ms=self._clock.now_ms(), original=original
        )
        self._record(self._topics.dead_letters.name, letter)
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
        return kafka.producer(self._settings, compression="lz4", buffer_kb=self._buffer_kb)

    def _renew(self) -> None:
        """Take another producer, as the old one's sequence numbers are of the lost log; what it held is counted."""
        old, self._producer = self._producer, self._make()
        old.purge()
        old.flush(0.1)

    def _record(self, topic: str, record: Record, *, key: str | None = None) -> None:
        self._produce(topic, 0, encode(record), key=key, on_lost=lambda: self.counts.update(records_dropped=1))

    def _send(
        self, partition: int, value: bytes, *, on_lost: Callable[[], None], on_sent: Callable[[], None] = lambda: None
    ) -> None:
        self._produce(self._topics.trades.name, partition, value, on_lost=on_lost, on_sent=on_sent)

    def _produce(
        self,
        topic: str,
        partition: int,
        value: bytes,
        *,
        key: str | None = None,
        on_lost: Callable[[], None],
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        """Send, and call exactly one of the two: at once where the buffer is full, else when Kafka has answered."""

        def delivered(error: KafkaError | None, _message: Message) -> None:
            self._unanswered -= 1
            if error is None:
                on_sent()
                return
            if error.code() in _LOG_LOST:
                self._is_lost = True
            on_lost()

        try:
            self._producer.produce(topic, value, key, partition=partition, on_delivery=delivered)
            self._unanswered += 1
        except (BufferError, KafkaException) as error:
            if isinstance(error, KafkaException):
                self._is_lost = True
            on_lost()
