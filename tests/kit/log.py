"""Kafka from a test's side: put records there, read what came out."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import Producer, TopicPartition

from core.errors import Unavailable
from core.settings import Settings
from core.wire import kafka
from core.wire.records import Firing, TriggerRecord, decode, encode
from core.wire.topics import topics
from tests.kit.tape import TapeRecord


def put_tape(settings: Settings, tape: Iterable[TapeRecord]) -> None:
    producer = kafka.producer(settings, linger_ms=5)
    name = topics(settings).trades.name
    for n, record in enumerate(tape):
        producer.produce(name, record.value, partition=record.partition)
        if n % 1000 == 999:
            producer.poll(0)
    _deliver(producer)


def put_triggers(settings: Settings, records: Iterable[TriggerRecord]) -> None:
    producer = kafka.producer(settings)
    for record in records:
        producer.produce(topics(settings).triggers.name, encode(record), record.pipeline_id)
    _deliver(producer)


def put(settings: Settings, topic: str, value: bytes | None, *, key: str | None = None, partition: int = 0) -> None:
    producer = kafka.producer(settings)
    producer.produce(topic, value, key, partition=partition)
    _deliver(producer)


def put_all(settings: Settings, topic: str, values: Iterable[bytes]) -> None:
    producer = kafka.producer(settings)
    for value in values:
        producer.produce(topic, value)
    _deliver(producer)


def _deliver(producer: Producer) -> None:
    assert producer.flush(20) == 0, "the broker did not take every record"


def read_all(settings: Settings, topic: str, *, partition: int = 0) -> list[bytes]:
    """Return every record's value of a partition as it stands now; none while there is no such topic."""
    try:
        low, high = kafka.bounds(settings, [(topic, partition)])[topic, partition]
    except Unavailable:
        return []
    if low == high:
        return []
    consumer = kafka.consumer(settings)
    try:
        consumer.assign([TopicPartition(topic, partition, low)])
        found: list[bytes] = []
        deadline = time.monotonic() + 20
        while len(found) < high - low:
            assert time.monotonic() < deadline, f"only {len(found)} of {high - low} records of {topic}"
            found += [m.value() or b"" for m in kafka.values(consumer.consume(1000, 0.1))]
        return found
    finally:
        consumer.close()


def read_firings(settings: Settings) -> list[Firing]:
    return [decode(value, Firing) for value in read_all(settings, topics(settings).firings.name)]
