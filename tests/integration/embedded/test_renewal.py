"""The broker's memory is bounded by renewing it, and nothing that was sent is lost over it."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

from confluent_kafka import Message

from core.clock import SystemClock
from core.errors import Unavailable
from core.settings import Settings
from core.wire.position import LogLost
from core.wire.sure_reader import SureReader, open_log
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
    """Reads `trades` as our flows do: by their reader, and from the start of the new log when the old one is lost."""

    def __init__(self, settings: Settings, it: Care) -> None:
        self._settings = settings
        self._it = it
        self._place = (topics(settings).trades.name, 0)
        self._reader: SureReader | None = None
        self.numbers: list[int] = []
        self.logs = 0
        self.most_bytes = 0

    def follow(self) -> None:
        messages = self._messages()
        for message in messages:
            value = message.value()
            assert value is not None
            self.numbers.append(int(value.split(b":", 1)[0]))
        consumer = self._it.view("market-0")
        self._it.beats.beat("market-0", pid=consumer.pid, at_ms=time.monotonic_ns(), lag=float(len(messages) > 0))
        self.most_bytes = max(self.most_bytes, self._it.view(NAME).memory_bytes)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _messages(self) -> list[Message]:
        try:
            if self._reader is None:
                self._reader = self._opened()
            return self._reader.read(0.05, most=500)
        except (LogLost, Unavailable):
            self.close()
            return []

    def _opened(self) -> SureReader:
        reader = SureReader(self._settings, open_log(self._settings), [self._place], SystemClock(), group="follower")
        reader.assign({self._place: 0})
        self.logs += 1
        return reader


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
        with closing(Follower(settings, it)) as follower:
            wait_until(lambda: follower.follow() or follower.logs >= 3, timeout_s=90, what="two renewals", every_s=0)
            after = len(follower.numbers) + 20
            wait_until(lambda: follower.follow() or len(follower.numbers) > after, timeout_s=20, what="it goes on")
        assert it.view(NAME).restarts == 0, "a renewal is no failure"
        assert it.view("source").status is Status.UP
    assert follower.numbers == list(range(len(follower.numbers))), "a message was lost, doubled or reordered"
    assert follower.most_bytes < 2 * LIMIT_BYTES
    assert any("renewed" in said for said in it.notes.said)
