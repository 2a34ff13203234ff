"""kill -9 of whatever, whenever: every firing is decided once, none is made up, candles are right.

The embedded broker is left out: it forgets its log, and then there is nothing to judge by (its death is the business
of test_kill_each_process and test_lost_log). A broker that keeps its log is killed here too.
"""

from __future__ import annotations

import random
import time

import pytest

from deploy.kafka.broker import KafkaBroker
from tests.kit.platform import Platform, alive, kill
from tests.kit.waiting import wait_until

VICTIMS = (
    "simulator", "ingest", "market-0", "market-0", "costs", "dispatcher", "dispatcher", "worker", "beat", "api",
    "valkey", "clickhouse", "postgres",
)  # fmt: skip
"""Those that hold the most are hit most."""
KILLS = 20
SEED = 20251123
SERVICES = ("postgres", "valkey", "clickhouse")


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judged")
def test_twenty_kills_at_random_moments(platform: Platform) -> None:
    chance, done = random.Random(SEED), platform.completed()
    killed: list[int] = []
    while len(killed) < KILLS:
        victim, due = chance.choice(VICTIMS), time.monotonic() + chance.uniform(0.1, 4.0)
        wait_until(lambda due=due: time.monotonic() >= due, timeout_s=10, what="a random moment")
        pid = wait_until(
            lambda victim=victim: alive({platform.part(victim).pid} - {0, *killed}),
            timeout_s=60, what=f"{victim} to be there (seed {SEED}, kill {len(killed)})", every_s=0.05,
        ).pop()  # fmt: skip
        kill(pid)
        killed.append(pid)
    wait_until(lambda: platform.completed() > done, timeout_s=120, what="an execution after it", every_s=0.5)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judged")
def test_each_service_is_killed_while_trades_flow(platform: Platform, apache: KafkaBroker | None) -> None:
    for service in SERVICES:
        before, done = platform.part(service), platform.completed()
        kill(before.pid)
        wait_until(
            lambda service=service, was=before.pid: alive({platform.part(service).pid} - {0, was}),
            timeout_s=60, what=f"{service} to be there again", every_s=0.05,
        )  # fmt: skip
        wait_until(lambda done=done: platform.completed() > done, timeout_s=120, what=f"an execution after {service}")
    if apache is not None:
        done = platform.completed()
        apache.kill()
        apache.start()
        wait_until(apache.answers, timeout_s=60, what="Apache Kafka to come back")
        wait_until(lambda: platform.completed() > done, timeout_s=120, what="an execution after Apache Kafka")
