"""What clients meet at a broker that keeps its log in memory: a new cluster, an empty log, odd ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition

from core.settings import Settings
from core.wire.kafka import bounds, cluster_id, consumer, ensure_topics, producer
from core.wire.topics import topics
from tests.kit.stack import RunningStack, reachable_folder, running_stack
from tests.kit.waiting import wait_until


@pytest.fixture
def own_stack() -> Generator[RunningStack]:
    with reachable_folder() as folder, running_stack(folder / "data") as stack:
        yield stack


def send(settings: Settings, topic: str, values: list[bytes]) -> None:
    sender = producer(settings)
    for value in values:
        sender.produce(topic, value, partition=0)
    assert sender.flush(10) == 0


def test_the_end_of_a_log_counts_the_messages_of_its_last_batch(settings: Settings) -> None:
    ensure_topics(settings)
    topic = topics(settings).firings.name
    last = (topic, 0)
    assert bounds(settings, [last]) == {last: (0, 0)}
    send(settings, topic, [b"x"] * 500)
    assert bounds(settings, [last]) == {last: (0, 500)}
    send(settings, topic, [b"x"])
    assert bounds(settings, [last]) == {last: (0, 501)}


def test_a_producer_goes_on_after_the_broker_came_back_empty(own_stack: RunningStack) -> None:
    settings = own_stack.settings
    topic = topics(settings).firings.name
    sender = producer(settings)
    sender.produce(topic, b"before", partition=0)
    assert sender.flush(10) == 0
    before, cluster = own_stack.pid_of("broker"), cluster_id(settings)
    os.kill(before, signal.SIGKILL)
    sender.produce(topic, b"meanwhile", partition=0)
    wait_until(lambda: own_stack.pid_of("broker") not in (0, before), timeout_s=30, what="the broker is back")
    sender.produce(topic, b"after", partition=0)
    assert sender.flush(20) == 0
    assert cluster_id(settings) != cluster
    with closing(consumer(settings)) as reader:
        reader.assign([TopicPartition(topic, 0, 0)])
        found: list[bytes | None] = []
        wait_until(
            lambda: found.extend(m.value() for m in reader.consume(10, 0.1)) or len(found) == 2,
            timeout_s=30,
            what="both messages",
        )
    assert found == [b"meanwhile", b"after"]


def test_topics_are_there_again_after_the_broker_died(own_stack: RunningStack, tmp_path: Path) -> None:
    settings = own_stack.settings
    before = own_stack.pid_of("broker")
    os.kill(before, signal.SIGKILL)
    wait_until(
        lambda: any(p.name == "broker" and p.status == "up" and p.pid != before for p in own_stack.run().parts),
        timeout_s=30,
        what="the broker is up",
    )
    with closing(consumer(settings)) as reader:
        present = set(reader.list_topics(timeout=5).topics)
    assert {topic.name for topic in topics(settings).all()} <= present
