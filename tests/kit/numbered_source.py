"""`python -m tests.kit.numbered_source BROKERS BYTES EVERY_MS`: a source that sends numbered messages for ever."""

from __future__ import annotations

import os
import sys
import time

from core.settings import Settings
from core.wire.kafka import producer
from core.wire.topics import topics


def main() -> None:
    brokers, size, every_ms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    settings = Settings(kafka_brokers=brokers, kafka_idempotence=False)
    sender = producer(settings)
    topic = topics(settings).trades.name
    filling = os.urandom(size)
    number = 0
    while True:
        sender.produce(topic, b"%d:" % number + filling, partition=0)
        sender.poll(0)
        number += 1
        time.sleep(every_ms / 1000)


if __name__ == "__main__":
    main()
