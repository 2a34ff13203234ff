"""The end of a log is found while others write to it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from core.settings import Settings
from core.wire.kafka import bounds, ensure_topics, producer
from core.wire.topics import topics
from tests.kit.waiting import wait_until

EVERY_S = 0.003


@contextmanager
def a_steady_writer(settings: Settings, topic: str) -> Generator[list[int]]:
    """Write a message every few milliseconds; the list holds the offset of the last one taken."""
    stop = threading.Event()
    last = [-1]

    def write() -> None:
        sender = producer(settings)
        while not stop.wait(EVERY_S):
            sender.produce(
                topic, b"x", partition=0, on_delivery=lambda _e, message: last.__setitem__(0, message.offset() or 0)
            )
            sender.poll(0)
        sender.flush(10)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield last
    finally:
        stop.set()
        writer.join()


def test_the_end_of_a_log_that_grows_all_the_time_is_found(settings: Settings) -> None:
    ensure_topics(settings)
    topic = topics(settings).firings.name
    with a_steady_writer(settings, topic) as last:
        wait_until(lambda: last[0] > 50, timeout_s=30, what="some messages")
        for _ in range(5):
            before = last[0]
            _low, high = bounds(settings, [(topic, 0)], timeout_s=3)[topic, 0]
            assert high > before
