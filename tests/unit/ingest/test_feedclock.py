from __future__ import annotations

import socket

import pytest

from core.clock import ManualClock
from core.errors import Unavailable
from ingest.feedclock import BEHIND_S, PlayerClock, ReceiptClock

NOW = 1_763_726_400_000


def player(clock: ManualClock, *, speed: float = 20.0) -> PlayerClock:
    made = PlayerClock(_address_of_nobody(), clock)
    made.set(NOW, speed)
    return made


def _address_of_nobody() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/api/v1"


def test_T24_feed_time_of_a_live_feed_is_receipt_time() -> None:
    clock = ManualClock(NOW)
    assert (ReceiptClock(clock).feed_ms(), ReceiptClock(clock).latest_ms()) == (NOW, NOW)


def test_T24_feed_time_of_a_player_goes_at_its_speed_a_little_behind_what_it_sends() -> None:
    clock = ManualClock()
    feed = player(clock)
    clock.advance(1_000)
    assert feed.feed_ms() == NOW + 20_000 - BEHIND_S * 20_000
    assert feed.latest_ms() > NOW + 20_000


def test_feed_time_of_a_held_player_stands_but_its_trades_may_have_begun() -> None:
    clock = ManualClock()
    feed = player(clock)
    feed.set(NOW, 20.0, is_held=True)
    clock.advance(900)
    assert feed.feed_ms() == NOW
    assert feed.latest_ms() > NOW + 18_000


def test_feed_time_never_steps_back() -> None:
    clock = ManualClock()
    feed = player(clock)
    clock.advance(1_000)
    was = feed.feed_ms()
    feed.set(NOW, 20.0)
    assert feed.feed_ms() == was


def test_feed_time_stands_still_while_the_player_is_gone() -> None:
    clock = ManualClock()
    feed = player(clock)
    clock.advance(1_000)
    with pytest.raises(Unavailable, match="does not answer"):
        feed.ask()
    was = feed.feed_ms()
    clock.advance(60_000)
    assert was <= feed.feed_ms() <= was + BEHIND_S * 20_000


def test_feed_time_is_not_known_before_the_player_answered() -> None:
    assert not PlayerClock(_address_of_nobody(), ManualClock()).is_known
