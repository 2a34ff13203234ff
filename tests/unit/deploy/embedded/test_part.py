from __future__ import annotations

from deploy.embedded.part import Part, Status
from deploy.embedded.process import ProcessSpec


def part() -> Part:
    return Part(ProcessSpec(name="x", title="X", command=lambda: ["/bin/true"]))


def die(subject: Part, *, at_s: float, after_s: float, code: int = 1) -> float:
    subject.started_at_s = at_s - after_s
    subject.died(code, at_s)
    return subject.due_at_s - at_s


def test_a_process_that_lived_long_is_started_again_at_once() -> None:
    subject = part()
    assert die(subject, at_s=1_000, after_s=600, code=-9) < 0.5
    assert subject.status is Status.RESTARTING


def test_pauses_grow_while_it_keeps_dying_and_stay_bounded() -> None:
    subject = part()
    waits = [die(subject, at_s=1_000, after_s=0.1) for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[-1] == 15
    assert subject.status is Status.CRASH_LOOP
    assert subject.restarts == 10


def test_a_long_life_ends_a_loop() -> None:
    subject = part()
    for _ in range(5):
        die(subject, at_s=1_000, after_s=0.1)
    assert die(subject, at_s=2_000, after_s=900) < 0.5
    assert subject.status is Status.RESTARTING


def test_wrong_configuration_is_not_tried_at_once_again() -> None:
    subject = part()
    assert die(subject, at_s=1_000, after_s=0.1, code=2) == 15
    assert subject.status is Status.CRASH_LOOP
