"""Records to Kafka, and the knowledge whether the broker has them."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from core.settings import Settings
from core.wire import kafka
from core.wire.topics import topics
from dataflows.outgoing import Outgoing

_SLICE_S = 0.05


class Publisher:
    """Sends at once (linger 0). After a `failure` it is to be replaced, and what was sent of late sent again.

    `send` and `poll` belong to the flow's thread; `flush` may be called from another.
    """

    def __init__(self, settings: Settings) -> None:
        names = topics(settings)
        self._names = {
            "firings": names.firings.name,
            "suppressions": names.suppressions.name,
            "dead_letters": names.dead_letters.name,
        }
        self._producer: Producer = kafka.producer(settings)
        self.failure = ""
        self.sent = 0

    def send(self, outgoing: Iterable[Outgoing]) -> None:
        """Hand records to the client; waits only while its queue is full."""
        for record in outgoing:
            while not self.failure:
                try:
                    self._producer.produce(
                        self._names[record.topic], record.value, record.key or None, on_delivery=self._note
                    )
                    self.sent += 1
                    break
                except BufferError:
                    self._producer.poll(_SLICE_S)
        self._producer.poll(0)

    def poll(self) -> None:
        """Take the broker's answers."""
        self._producer.poll(0)

    def flush(self, timeout_s: float) -> bool:
        """Return whether the broker confirmed everything sent so far within the time."""
        deadline = time.monotonic() + timeout_s
        while not self.failure and len(self._producer):
            if time.monotonic() > deadline:
                return False
            self._producer.flush(_SLICE_S)
        return not self.failure

    def close(self) -> None:
        """Forget what has not been sent; nothing is waited for."""
        self._producer.purge()
        self._producer.poll(0)

    def _note(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self.failure = error.str()
