"""Our own broker, as the real client library meets it."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Generator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from core.errors import Unavailable
from core.settings import Settings
from core.wire import kafka
from core.wire.topics import topics
from deploy.embedded.environment import CHECKOUT
from deploy.embedded.ports import choose
from tests.kit.waiting import wait_until

TRADES = "trades"


def run_broker(port: int) -> subprocess.Popen[bytes]:
    words = ["--port", str(port), "--cluster-id", uuid.uuid4().hex, "--limit-mb", "20"]
    return subprocess.Popen([sys.executable, "-m", "deploy.embedded.log", *words], cwd=CHECKOUT)


def serves(settings: Settings) -> bool:
    try:
        kafka.ensure_topics(settings, timeout_s=2)
    except Unavailable:
        return False
    return True


@pytest.fixture
def settings(tmp_path: Path) -> Generator[Settings]:
    port = choose(["broker"], tmp_path / "ports.json", fixed={}, preferred={})["broker"]
    running = run_broker(port)
    found = Settings(kafka_brokers=f"127.0.0.1:{port}")
    try:
        wait_until(lambda: serves(found), timeout_s=30, what="the broker")
        yield found
    finally:
        running.kill()
        running.wait()


def produce(settings: Settings, values: list[bytes], *, compression: str = "none", partition: int = 0) -> None:
    producer = kafka.producer(settings, compression=compression)
    for value in values:
        producer.produce(TRADES, value, b"key", partition=partition, headers={"name": b"value"})
    assert producer.flush(20) == 0


def read(consumer: Consumer, count: int) -> list[Message]:
    found: list[Message] = []

    def has_all() -> bool:
        found.extend(kafka.values(consumer.consume(1_000, 0.2)))
        return len(found) >= count

    wait_until(has_all, timeout_s=20, what=f"{count} messages", every_s=0)
    return found


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("idempotence", [False, True])
def test_what_is_produced_is_read_in_order(settings: Settings, compression: str, idempotence: bool) -> None:
    own = settings.model_copy(update={"kafka_idempotence": idempotence})
    values = [f"{n}".encode() * 20 for n in range(3_000)]
    produce(own, values, compression=compression)
    consumer = kafka.consumer(own)
    consumer.assign([TopicPartition(TRADES, 0, 0)])
    found = read(consumer, len(values))
    consumer.close()
    assert [m.value() for m in found] == values
    assert [m.offset() for m in found] == list(range(len(values)))
    assert found[-1].key() == b"key"
    assert found[-1].headers() == [("name", b"value")]


def test_each_partition_has_offsets_of_its_own(settings: Settings) -> None:
    produce(settings, [b"a", b"b"], partition=1)
    produce(settings, [b"c"], partition=3)
    wanted = [(TRADES, p) for p in range(4)]
    found = kafka.bounds(settings, wanted)
    assert [found[place] for place in wanted] == [(0, 0), (0, 2), (0, 0), (0, 1)]


def test_commits_outside_a_group_are_kept(settings: Settings) -> None:
    consumer = kafka.consumer(settings, group="costs")
    places = [TopicPartition(TRADES, 0), TopicPartition(TRADES, 1)]
    consumer.commit(offsets=[TopicPartition(TRADES, 0, 77)], asynchronous=False)
    assert [place.offset for place in consumer.committed(places, timeout=5)] == [77, -1001]
    other = kafka.consumer(settings, group="another")
    assert other.committed(places, timeout=5)[0].offset == -1001
    for one in (consumer, other):
        one.close()


def test_an_offset_beyond_the_end_begins_where_the_reader_says(settings: Settings) -> None:
    produce(settings, [b"first"])
    consumer = kafka.consumer(settings)
    consumer.assign([TopicPartition(TRADES, 0, 1_000)])
    assert read(consumer, 1)[0].value() == b"first"
    consumer.close()


def test_what_does_not_fit_goes_from_the_front(settings: Settings) -> None:
    produce(settings, [bytes(100_000)] * 400)
    low, high = kafka.bounds(settings, [(TRADES, 0)])[TRADES, 0]
    assert high == 400
    assert 0 < low < high
    consumer = kafka.consumer(settings)
    consumer.assign([TopicPartition(TRADES, 0, low)])
    assert read(consumer, high - low)[0].offset() == low
    consumer.close()


def test_a_topic_that_is_not_there_is_not_made_by_reading(settings: Settings) -> None:
    consumer = kafka.consumer(settings)
    names = consumer.list_topics(timeout=5).topics
    assert set(names) == {topic.name for topic in topics(settings).all()}
    consumer.list_topics("nobody-made-this", timeout=5)
    assert "nobody-made-this" not in consumer.list_topics(timeout=5).topics
    consumer.close()


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(b"\xff" * 64, id="a negative length"),
        pytest.param(b"\x00\x00\x00\x00", id="nothing"),
        pytest.param(b"\x00\x00\x00\x0a" + b"\x00\x00\x00\x07" + bytes(6), id="a produce that ends too soon"),
        pytest.param(b"\x00\x00\x00\x0a" + b"\x7f\x00\x00\x00" + bytes(6), id="a request of no name"),
    ],
)
def test_poison_is_hung_up_on_and_others_are_served(settings: Settings, poison: bytes) -> None:
    host, port = settings.kafka_brokers.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(poison)
        assert connection.recv(100) == b""
    produce(settings, [b"still there"])
