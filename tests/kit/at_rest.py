"""The platform at rest: nothing more comes from the feed, and all that came has had its effect."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator

from core.clock import SystemClock
from core.heartbeat import Beat
from tests.kit.judge import wait_until_decided
from tests.kit.market_flow import beat_of
from tests.kit.platform import Platform
from tests.kit.waiting import wait_until


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


def market_of(platform: Platform) -> Beat:
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
