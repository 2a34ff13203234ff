"""The plan's calls a minute: who may call now, and who waits."""

from __future__ import annotations

from core.clock import ManualClock
from core.settings import Settings
from ingest.rest import Rest


def make(limit: int) -> tuple[Rest, ManualClock]:
    clock = ManualClock()
    return Rest(Settings(finnhub_calls_per_minute=limit), clock), clock


def test_no_more_turns_a_minute_than_the_plan_has_calls() -> None:
    rest, clock = make(3)
    assert [rest.turn() for _ in range(3)] == [0.0, 0.0, 0.0]
    clock.advance(20_000)
    assert rest.turn() == 40.0
    clock.advance(40_001)
    assert rest.turn() == 0.0


def test_who_may_wait_leaves_a_part_of_the_minute_to_others() -> None:
    rest, clock = make(4)
    assert rest.turn(0.5) == 0.0
    clock.advance(10_000)
    assert rest.turn(0.5) == 0.0
    assert rest.turn(0.5) == 50.0
    assert [rest.turn() for _ in range(2)] == [0.0, 0.0]
    assert rest.turn() == 50.0


def test_the_least_of_plans_lets_everybody_have_a_turn() -> None:
    rest, _ = make(1)
    assert rest.turn(0.1) == 0.0
