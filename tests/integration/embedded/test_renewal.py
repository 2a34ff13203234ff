"""The broker's memory is bounded by renewing it, and nothing that was sent is lost over it."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from core.errors import Unavailable
from core.settings import Settings
from core.wire import kafka
from core.wire.topics import topics
from deploy.embedded.broker import NAME, broker
from deploy.embedded.environment import CHECKOUT
from deploy.embedded.part import Status
from deploy.embedded.ports import choose
from deploy.embedded.process import ProcessSpec
from deploy.embedded.renewal import BrokerRenewal
from tests.kit.standins import Care, care, standin
from tests.kit.waiting import wait_until

LIMIT_BYTES = 60_000_000


class Follower:
    """Reads `trades` as our flows do: after a change of cluster it begins at the start of the new log."""

    def __init__(self, settings: Settings, it: Care) -> None:
        self._settings = settings
        self._it = it
        self._topic = topics(settings).trades.name
        self._cluster = kafka.cluster_id(settings)
        self.numbers: list[int] = []
        self.clusters = 1
        self.most_bytes = 0

    def follow(self, reader: Consumer) -> None:
        messages = kafka.values(reader.consume(500, 0.05))
        if not messages:
            self._look_for_new_log(reader)
        for message in messages:
            value = message.value()
            assert value is not None
            self.numbers.append(int(value.split(b":", 1)[0]))
        consumer = self._it.view("market-0")
        self._it.beats.beat("market-0", pid=consumer.pid, at_ms=time.monotonic_ns(), lag=float(len(messages) > 0))
        self.most_bytes = max(self.most_bytes, self._it.view(NAME).memory_bytes)

    def _look_for_new_log(self, reader: Consumer) -> None:
        try:
            found = kafka.cluster_id(self._settings, timeout_s=1)
        except Unavailable:
            return
        if found != self._cluster:
            self._cluster = found
            self.clusters += 1
            reader.assign([TopicPartition(self._topic, 0, 0)])


def test_memory_stays_bounded_and_no_message_is_lost_over_renewals(tmp_path: Path) -> None:
    port = choose(["broker"], tmp_path / "ports.json", fixed={}, preferred={})["broker"]
    settings = Settings(kafka_brokers=f"127.0.0.1:{port}", kafka_fetch_wait_ms=5, kafka_idempotence=False)
    renewal = BrokerRenewal(limit_bytes=LIMIT_BYTES, consumers=("market-0",), again_after_s=1.0)
    command = [sys.executable, "-m", "tests.kit.numbered_source", settings.kafka_brokers, "100000", "5"]
    source = ProcessSpec(
        name="source",
        title="source",
        command=lambda: command,
        is_source=True,
        environment={"PYTHONPATH": str(CHECKOUT)},
    )
    stages = ((broker(port, settings),), (standin("market-0", beats=True),), (source,))
    with care(tmp_path, *stages, companions=(renewal,)) as it:
        wait_until(lambda: it.view("market-0").pid, timeout_s=20, what="the consumer runs")
        follower = Follower(settings, it)
        with closing(kafka.consumer(settings)) as reader:
            reader.assign([TopicPartition(topics(settings).trades.name, 0, 0)])
            wait_until(
                lambda: follower.follow(reader) or follower.clusters >= 3, timeout_s=90, what="two renewals", every_s=0
            )
            after = len(follower.numbers) + 20
            wait_until(
                lambda: follower.follow(reader) or len(follower.numbers) > after, timeout_s=20, what="it goes on"
            )
        assert it.view(NAME).restarts == 0, "a renewal is no failure"
        assert it.view("source").status is Status.UP
    assert follower.numbers == list(range(len(follower.numbers))), "a message was lost, doubled or reordered"
    assert follower.most_bytes < 2 * LIMIT_BYTES
    assert any("renewed" in said for said in it.notes.said)
