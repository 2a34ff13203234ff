"""Apache Kafka beside the tests, where a run asks for it: `TAPEWATCH_TEST_BROKER=apache` (`make test-kafka`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Mapping
from pathlib import Path

from deploy.kafka.broker import KafkaBroker
from tests.kit.waiting import wait_until

VARIABLE = "TAPEWATCH_TEST_BROKER"


@contextlib.contextmanager
def running_kafka(folder: Path) -> Generator[KafkaBroker]:
    """Start a broker in a folder, wait until it answers, and stop it at the end."""
    broker = KafkaBroker(folder)
    with contextlib.ExitStack() as undo:
        undo.callback(broker.stop)
        broker.start()
        wait_until(broker.answers, timeout_s=60, what="Apache Kafka to answer")
        yield broker


def variables_of(broker: KafkaBroker) -> dict[str, str]:
    """Return what a process needs to know to use it: a broker that wakes a waiting fetch, and keeps its log."""
    return {
        "TAPEWATCH_KAFKA_BROKERS": broker.address,
        "TAPEWATCH_KAFKA_IDEMPOTENCE": "true",
    }


def is_asked() -> bool:
    """Whether this run is one on Apache Kafka."""
    asked = os.environ.get(VARIABLE, "embedded")
    assert asked in ("embedded", "apache"), f"{VARIABLE}={asked!r}; it is embedded or apache"
    return asked == "apache"


@contextlib.contextmanager
def broker_of_the_run(folder: Path) -> Generator[Mapping[str, str]]:
    """Yield the variables of the broker that this run asks for in place of the embedded one; none by default."""
    if not is_asked():
        yield {}
        return
    with running_kafka(folder) as broker:
        yield variables_of(broker)
