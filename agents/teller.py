"""Tells the topics what Postgres has committed: events, suppressions. Never waits, never fails its caller.

What is lost on the way is in Postgres under its number; who reads on from its last number misses nothing.
"""

from __future__ import annotations

import threading

from confluent_kafka import KafkaError, KafkaException, Message

from core.observability import logger
from core.settings import Settings
from core.wire.kafka import producer
from core.wire.records import EventRecord, Suppression, encode
from core.wire.topics import topics

_log = logger(__name__)
_POLL_S = 0.5


class Teller:
    """Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._topics = topics(settings)
        self._producer = producer(settings)
        self._closed = threading.Event()
        self._is_failing = False
        self._thread = threading.Thread(target=self._poll, name="teller", daemon=True)
        self._thread.start()

    def events(self, records: list[EventRecord]) -> None:
        for record in records:
            self._produce(self._topics.events.name, record.execution_id or record.pipeline_id or "", encode(record))

    def suppression(self, record: Suppression) -> None:
        self._produce(self._topics.suppressions.name, record.firing.pipeline_id, encode(record))

    def close(self, *, timeout_s: float = 1.0) -> None:
        self._closed.set()
        self._producer.flush(timeout_s)

    def _produce(self, topic: str, key: str, value: bytes) -> None:
        try:
            self._producer.produce(topic, key=key.encode(), value=value, on_delivery=self._delivered)
        except (BufferError, KafkaException) as error:
            self._note(str(error))
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self._is_failing = False
        else:
            self._note(error.str())

    def _note(self, reason: str) -> None:
        if not self._is_failing:
            _log.warning("Kafka does not take events; the page reads them from Postgres meanwhile", reason=reason)
        self._is_failing = True

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._producer.poll(_POLL_S)
