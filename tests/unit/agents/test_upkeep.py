from __future__ import annotations

from uuid import UUID

from agents.upkeep import Patience
from core.clock import ManualClock

ONE, TWO = UUID(int=1), UUID(int=2)


def test_an_execution_is_sent_again_later_each_time() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    assert patience.is_due(ONE)
    patience.note(ONE)
    clock.advance(9_999)
    assert not patience.is_due(ONE)
    clock.advance(1)
    assert patience.is_due(ONE)
    patience.note(ONE)
    clock.advance(10_000)
    assert not patience.is_due(ONE)
    clock.advance(10_000)
    assert patience.is_due(ONE)
    assert patience.is_due(TWO)


def test_one_that_runs_again_is_forgotten() -> None:
    clock = ManualClock()
    patience = Patience(clock)
    patience.note(ONE)
    patience.forget_all_but([TWO])
    assert patience.is_due(ONE)
