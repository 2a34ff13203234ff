"""The wall clock steps by minutes under every process of ours, and so does the exchange's: judged like any fault.

What is stepped is the clock as our processes read it, all of them at once; services and broker keep the machine's
(they are other programs: see `tests/kit/stepping_clock`). A monotonic clock never steps, by its nature.
"""

from __future__ import annotations

import time

import pytest

from core.clock import SystemClock
from tests.kit.market_flow import beat_of
from tests.kit.platform import Platform
from tests.kit.simulator import Simulator
from tests.kit.stepping_clock import SteppingClock
from tests.kit.waiting import wait_until

MINUTES_S = 300.0
STEPS_S = (MINUTES_S, -MINUTES_S, 0.0)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judged")
def test_the_wall_clock_steps_forward_and_back_by_minutes(platform: Platform, wall_clock: SteppingClock) -> None:
    pids = {p.name: (p.pid, p.restarts) for p in platform.run().parts}
    for offset_s in STEPS_S:
        done, feed_ms = platform.completed(), _market_ms(platform)
        wall_clock.step_to(offset_s)
        wait_until(
            lambda offset_s=offset_s: abs(_beat_at_ms(platform) - SystemClock().now_ms() - offset_s * 1000) < 60_000,
            timeout_s=60, what=f"the market flow to read a clock {offset_s:+.0f} s away",
        )  # fmt: skip
        wait_until(
            lambda done=done: platform.completed() > done,
            timeout_s=120, what=f"an execution with the clock at {offset_s:+.0f} s", every_s=0.5,
        )  # fmt: skip
        assert _market_ms(platform) > feed_ms, "feed time only goes on"
    assert {p.name: (p.pid, p.restarts) for p in platform.run().parts} == pids


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("judged")
def test_the_clock_of_the_exchange_steps_forward_and_back_by_minutes(platform: Platform) -> None:
    simulator = Simulator(platform.run().ports["simulator"])
    for ahead_s in (MINUTES_S, -MINUTES_S):
        simulator.put_faults(ahead_ms=round(ahead_s * 1000))
        due = time.monotonic() + 3
        wait_until(lambda due=due: time.monotonic() >= due, timeout_s=20, what="some trades")
    done = platform.completed()
    simulator.put_faults()
    wait_until(lambda: platform.completed() > done, timeout_s=120, what="an execution after it", every_s=0.5)


def _market_ms(platform: Platform) -> float:
    beat = beat_of(platform.settings)
    assert beat is not None
    return beat.numbers["feed_ms"]


def _beat_at_ms(platform: Platform) -> int:
    beat = beat_of(platform.settings)
    assert beat is not None
    return beat.at_ms
