"""One platform for all judged faults, and the judge who has the last word after each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest

from core.settings import Settings
from deploy.kafka.broker import KafkaBroker
from tests.kit import apache_kafka
from tests.kit.at_rest import fed_no_more
from tests.kit.judge import Places, judge, read_firings, watched_places
from tests.kit.often_firing import arm_often_firing
from tests.kit.platform import Browserless, Platform, running_platform
from tests.kit.stack import reachable_folder
from tests.kit.stepping_clock import SteppingClock
from tests.kit.waiting import wait_until

ENOUGH = 10


@pytest.fixture(scope="package")
def folder() -> Generator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture(scope="package")
def apache(folder: Path) -> Generator[KafkaBroker | None]:
    """The broker that keeps its log, where this run asks for it; else the platform starts its own."""
    with contextlib.ExitStack() as undo:
        is_asked = apache_kafka.is_asked()
        yield undo.enter_context(apache_kafka.running_kafka(folder / "kafka")) if is_asked else None


@pytest.fixture(scope="package")
def wall_clock(folder: Path) -> SteppingClock:
    """The wall clock of every process of the platform."""
    return SteppingClock(folder / "wall-clock")


@pytest.fixture(scope="package")
def watched(folder: Path, apache: KafkaBroker | None, wall_clock: SteppingClock) -> Generator[tuple[Platform, Places]]:
    arguments = ["--speed", "20", *(["--kafka", apache.address] if apache else [])]
    with watched_places(folder / "data", Settings().trades_partitions) as places, \
            running_platform(folder / "data", *arguments, variables=wall_clock.variables) as platform:  # fmt: skip
        yield platform, places


@pytest.fixture(scope="package")
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
