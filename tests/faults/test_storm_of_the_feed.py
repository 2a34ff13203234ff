"""Everything the feed has been seen to do wrong, in one run and in any order: judged like any other fault."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from core.heartbeat import Beat
from tests.kit.market_flow import beat_of
from tests.kit.platform import Platform
from tests.kit.simulator import TOKEN, Simulator
from tests.kit.waiting import wait_until

SEED = 20251124
LASTS_S = (1.0, 3.0)
LASTING: Mapping[str, Mapping[str, object]] = {
    "a mute socket": {"mute": True},
    "a late burst": {"hold": True},
    "duplicate frames": {"repeat": 3},
    "wrong JSON": {"garbage": "{no json"},
    "JSON of another shape": {"garbage": '{"type":"trade","data":[{"s":1}]}'},
    "429": {"busy": True},
    "403": {"refuse": ["crypto/candle", "stock/candle", "quote", "company-news", "news"]},
    "a symbol limit": {"symbol_limit": 2},
}
"""Faults of `ingest.simulator.faults`."""
SHOWS_AS: Mapping[str, str] = {
    "duplicate frames": "duplicate_frames",
    "wrong JSON": "dead_letters",
    "JSON of another shape": "dead_letters",
    "a symbol limit": "feed_errors",
}
"""What the feed's process counts of it: so long it lasts at least."""
OF_A_NEW_CONNECTION = {"429", "403", "a symbol limit"}
"""These show on a new one only: they last until there is one."""


def disconnect_storm(simulator: Simulator) -> None:
    for _ in range(5):
        simulator.disconnect()
        _pass(0.3)


def second_connection(simulator: Simulator) -> None:
    """The vendor ends both, and ours has to come back."""
    with contextlib.suppress(ConnectionClosed), connect(f"{simulator.ws_url}/?token={TOKEN}") as socket:
        socket.recv(timeout=10)


AT_ONCE: Mapping[str, Callable[[Simulator], None]] = {
    "a disconnect storm": disconnect_storm,
    "a second connection": second_connection,
}


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judged")
def test_a_storm_of_all_that_a_feed_can_do_wrong(platform: Platform) -> None:
    simulator = Simulator(platform.run().ports["simulator"])
    chance = random.Random(SEED)
    order = [*LASTING, *AT_ONCE]
    chance.shuffle(order)
    done = platform.completed()
    for name in order:
        wait_until(lambda: _ingest(platform).numbers["subscribed"] > 0, timeout_s=90, what="the feed to be connected")
        counted = Counter(_ingest(platform).numbers)
        if name in AT_ONCE:
            AT_ONCE[name](simulator)
            continue
        simulator.put_faults(**LASTING[name])
        if name in OF_A_NEW_CONNECTION:
            _connect_anew(platform, simulator)
        _pass(chance.uniform(*LASTS_S))
        if (number := SHOWS_AS.get(name)) is not None:
            wait_until(
                lambda number=number, was=counted[number]: _ingest(platform).numbers.get(number, 0) > was,
                timeout_s=60, what=f"{name} to be counted (seed {SEED})", every_s=0.1,
            )  # fmt: skip
        simulator.put_faults()
    wait_until(lambda: platform.completed() > done, timeout_s=120, what=f"an execution after it (seed {SEED})")
    wait_until(lambda: _is_well(platform), timeout_s=120, what=f"the feed to be well (seed {SEED})")


def _connect_anew(platform: Platform, simulator: Simulator) -> None:
    before = _ingest(platform).numbers["reconnects"]
    simulator.disconnect()
    wait_until(
        lambda: (now := _ingest(platform)).numbers["reconnects"] > before and now.numbers["subscribed"] > 0,
        timeout_s=60, what="a new connection", every_s=0.1,
    )  # fmt: skip


def _pass(seconds: float) -> None:
    due = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= due, timeout_s=seconds + 10, what="some moments")


def _ingest(platform: Platform) -> Beat:
    found = wait_until(lambda: beat_of(platform.settings, "ingest"), timeout_s=30, what="the feed's heartbeat")
    assert found is not None
    return found


def _is_well(platform: Platform) -> bool:
    beat = _ingest(platform)
    return beat.state == "ok" and beat.numbers["waiting_for_slot"] == 0
