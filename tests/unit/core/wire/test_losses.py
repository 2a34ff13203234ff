"""What fell out of a log unread is counted for good, and said for ten minutes."""

from __future__ import annotations

from core.clock import ManualClock
from core.wire.losses import SAID_FOR_S, Losses


def test_without_a_loss_there_is_nothing_to_say() -> None:
    losses = Losses(ManualClock())
    losses.note(0)
    assert (losses.total, losses.problem("so")) == (0, "")


def test_a_loss_is_said_for_a_while_from_its_last_record_on_and_stays_counted() -> None:
    clock = ManualClock()
    losses = Losses(clock)
    losses.add(1_000)
    clock.advance(round(SAID_FOR_S * 900))
    losses.add(234)
    clock.advance(round(SAID_FOR_S * 900))
    losses.note(1_234)
    assert losses.problem("so") == "1,234 records fell out of the log before they were read: so"
    clock.advance(round(SAID_FOR_S * 200))
    assert (losses.total, losses.problem("so")) == (1_234, "")
