"""One platform, one fault after another: every firing is decided once, none is made up, candles are right.

The faults: bytes nobody can read in every topic and batches of trades twice and out of order; services that stand
still for ten seconds; a disk without room; twenty times kill -9 of whatever, whenever. After each the judge looks at
all of it.

The broker is left out here: the embedded one forgets its log, and then there is nothing to judge by. Its death is
the business of test_kill_each_process, of test_lost_log and, on a broker that keeps its log, of tests/kafka.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from core.clock import SystemClock
from core.errors import Malformed
from core.heartbeat import Beat
from core.settings import Settings
from core.wire.records import DeadLetter, decode
from core.wire.topics import topics
from tests.kit.judge import Places, judge, read_firings, read_log, wait_until_decided, watched_places
from tests.kit.log import put, read_all
from tests.kit.market_flow import beat_of
from tests.kit.often_firing import arm_often_firing
from tests.kit.platform import Browserless, Platform, alive, kill, running_platform
from tests.kit.stack import reachable_folder
from tests.kit.waiting import wait_until

VICTIMS = (
    "simulator", "ingest", "market-0", "market-0", "costs", "dispatcher", "dispatcher", "worker", "beat", "api",
    "valkey", "clickhouse", "postgres",
)  # fmt: skip
"""Those that hold the most are hit most."""
KILLS = 20
ENOUGH = 10
SEED = 20251123
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


@pytest.fixture(scope="module")
def watched() -> Generator[tuple[Platform, Places]]:
    with reachable_folder() as folder:
        data_dir = folder / "data"
        with watched_places(data_dir, Settings().trades_partitions) as places, \
                running_platform(data_dir, "--speed", "20") as platform:  # fmt: skip
            yield platform, places


@pytest.fixture(scope="module")
def platform(watched: tuple[Platform, Places]) -> Platform:
    platform, _ = watched
    arm_often_firing(Browserless(platform))
    wait_until(lambda: platform.completed() >= 1, timeout_s=90, what="a first execution", every_s=0.5)
    return platform


@pytest.fixture
def judged(platform: Platform, watched: tuple[Platform, Places], tmp_path: Path) -> Generator[None]:
    """Let the judge have the last word after a test, once there is enough to judge."""
    yield
    wait_until(lambda: len(read_firings(platform.settings)) > ENOUGH, timeout_s=120, what="enough firings", every_s=0.5)
    with fed_no_more(platform):
        verdict = judge(platform.settings, watched[1], tmp_path)
    assert not verdict.problems, f"{len(verdict.problems)} problems: " + "\n".join(verdict.problems[:10])
    assert verdict.trades > 500
    assert len(verdict.firings) > ENOUGH
    assert len(verdict.candles) > 50


@pytest.mark.timeout(200)
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


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("judged")
def test_batches_of_trades_twice_and_out_of_order_are_the_same_to_the_flow_and_to_the_judge(platform: Platform) -> None:
    settings, name = platform.settings, topics(platform.settings).trades.name
    chance = random.Random(SEED)
    for partition in range(settings.trades_partitions):
        batches = [r.value for r in read_log(settings, name, partition) if r.value]
        for value in chance.sample(batches, min(40, len(batches))):
            put(settings, name, value, partition=partition)


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("service", ["broker", "postgres", "valkey", "clickhouse"])
def test_a_service_stands_still_for_ten_seconds(platform: Platform, service: str) -> None:
    done = platform.completed()
    with standing_still(platform, service):
        due = time.monotonic() + 10
        wait_until(lambda: time.monotonic() >= due, timeout_s=20, what="ten seconds", every_s=0.1)
    wait_until(lambda: platform.completed() > done, timeout_s=120, what=f"an execution after {service}", every_s=0.5)


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("judged")
def test_candles_wait_in_memory_while_clickhouse_stands_still_and_the_disk_has_no_room(platform: Platform) -> None:
    market = platform.part("market-0")
    with standing_still(platform, "clickhouse"), no_file_grows(market.pid):
        wait_until(lambda: "can be written" in _market(platform).detail, timeout_s=60, what="it to be said")
        wait_until(lambda: _market(platform).numbers["history_waiting"] > 0, timeout_s=60, what="candles to wait")
    wait_until(
        lambda: (now := _market(platform)).state == "ok" and now.numbers["history_waiting"] == 0,
        timeout_s=90, what="all well, and all candles written", every_s=0.2,
    )  # fmt: skip
    assert _market(platform).numbers["history_lost"] == 0
    now = platform.part("market-0")
    assert (now.pid, now.restarts) == (market.pid, market.restarts)


@pytest.mark.timeout(300)
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


@contextlib.contextmanager
def standing_still(platform: Platform, service: str) -> Generator[None]:
    """Stop a service, with all that it has started, as the system's scheduler might."""
    pid = platform.part(service).pid
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


@contextlib.contextmanager
def fed_no_more(platform: Platform) -> Generator[None]:
    """Let no more come from the feed, once all that came has had its effect."""
    _wait_for_market(platform)
    ingest = platform.part("ingest").pid
    os.kill(ingest, signal.SIGSTOP)
    try:
        _wait_for_market(platform)
        wait_until_decided(platform.settings, timeout_s=90)
        yield
    finally:
        os.kill(ingest, signal.SIGCONT)


def _market(platform: Platform) -> Beat:
    found = wait_until(lambda: beat_of(platform.settings), timeout_s=30, what="the market flow's heartbeat")
    assert found is not None
    return found


def _wait_for_market(platform: Platform) -> None:
    asked_ms = SystemClock().now_ms() + 1_500

    def has_read_all() -> bool:
        beat = beat_of(platform.settings)
        if beat is None or beat.at_ms < asked_ms or beat.pid != platform.part("market-0").pid or beat.state != "ok":
            return False
        return beat.numbers["lag"] == 0 and beat.numbers["history_waiting"] == 0

    wait_until(has_read_all, timeout_s=90, what="the market flow to have read all", every_s=0.1)


def _buried(settings: Settings) -> set[str]:
    """Return the topics that have dead letters."""
    found: set[str] = set()
    for value in read_all(settings, topics(settings).dead_letters.name):
        with contextlib.suppress(Malformed):
            found.add(decode(value, DeadLetter).source.partition("@")[0].partition("/")[0])
    return found
