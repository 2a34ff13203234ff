"""One platform, one fault after another: every firing is decided once, none is made up, candles are right.

The faults: bytes nobody can read in every topic and batches of trades twice and out of order; services that stand
still for ten seconds; a disk without room. After each the judge looks at all of it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Generator

import psutil
import pytest

from core.errors import Malformed
from core.settings import Settings
from core.wire.records import DeadLetter, decode
from core.wire.topics import topics
from deploy.kafka.broker import KafkaBroker
from tests.kit.at_rest import market_of
from tests.kit.judge import read_log
from tests.kit.log import put, read_all
from tests.kit.platform import Platform
from tests.kit.waiting import wait_until

SEED = 20251123
SERVICES = ("broker", "postgres", "valkey", "clickhouse")
POISON = (
    b"\x00",
    b"\xff\xfe\x00\x01",
    b"{not json",
    b"[]",
    b"null",
    b'{"firing_id": "\\u0000"}',
    b"\x01\x01\xff\xff",
    None,
)
READ_BY = {"trades", "triggers", "firings", "suppressions", "news", "costs", "feed-health"}
"""Topics of which some consumer tells what it could not read. Nobody of ours reads the dead letters."""


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("judged")
def test_what_nobody_can_read_harms_no_process_in_any_topic(platform: Platform) -> None:
    settings, names = platform.settings, topics(platform.settings)
    before = {p.name: (p.pid, p.restarts) for p in platform.run().parts}
    done = platform.completed()
    for topic in names.all():
        for poison in POISON:
            put(settings, topic.name, poison, key="poison")
        put(settings, topic.name, b"{not json")
    wait_until(lambda: _buried(settings) >= READ_BY, timeout_s=60, what="a dead letter of each topic", every_s=0.5)
    wait_until(lambda: platform.completed() > done, timeout_s=120, what="an execution after it", every_s=0.5)
    assert {p.name: (p.pid, p.restarts) for p in platform.run().parts} == before


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("judged")
def test_batches_of_trades_twice_and_out_of_order_are_the_same_to_the_flow_and_to_the_judge(platform: Platform) -> None:
    settings, name = platform.settings, topics(platform.settings).trades.name
    chance = random.Random(SEED)
    for partition in range(settings.trades_partitions):
        batches = [r.value for r in read_log(settings, name, partition) if r.value]
        for value in chance.sample(batches, min(40, len(batches))):
            put(settings, name, value, partition=partition)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judged")
def test_each_service_stands_still_for_ten_seconds(platform: Platform, apache: KafkaBroker | None) -> None:
    for service in SERVICES:
        done = platform.completed()
        pid = apache.pid if apache is not None and service == "broker" else platform.part(service).pid
        with standing_still(pid):
            due = time.monotonic() + 10
            wait_until(lambda due=due: time.monotonic() >= due, timeout_s=20, what="ten seconds", every_s=0.1)
        wait_until(
            lambda done=done: platform.completed() > done,
            timeout_s=120, what=f"an execution after {service}", every_s=0.5,
        )  # fmt: skip


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("judged")
def test_candles_wait_in_memory_while_clickhouse_stands_still_and_the_disk_has_no_room(platform: Platform) -> None:
    market = platform.part("market-0")
    with standing_still(platform.part("clickhouse").pid), no_file_grows(market.pid):
        wait_until(lambda: "can be written" in market_of(platform).detail, timeout_s=60, what="it to be said")
        wait_until(lambda: market_of(platform).numbers["history_waiting"] > 0, timeout_s=60, what="candles to wait")
    wait_until(
        lambda: (now := market_of(platform)).state == "ok" and now.numbers["history_waiting"] == 0,
        timeout_s=90, what="all well, and all candles written", every_s=0.2,
    )  # fmt: skip
    assert market_of(platform).numbers["history_lost"] == 0
    now = platform.part("market-0")
    assert (now.pid, now.restarts) == (market.pid, market.restarts)


@contextlib.contextmanager
def standing_still(pid: int) -> Generator[None]:
    """Stop a service, with all that it has started, as the system's scheduler might."""
    pids = [pid, *(c.pid for c in psutil.Process(pid).children(recursive=True))]
    for each in pids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


@contextlib.contextmanager
def no_file_grows(pid: int) -> Generator[None]:
    """Let every write of a process to a file fail, as it does where there is no room."""
    process = psutil.Process(pid)
    soft, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))


def _buried(settings: Settings) -> set[str]:
    """Return the topics that have dead letters."""
    found: set[str] = set()
    for value in read_all(settings, topics(settings).dead_letters.name):
        with contextlib.suppress(Malformed):
            found.add(decode(value, DeadLetter).source.partition("@")[0].partition("/")[0])
    return found
