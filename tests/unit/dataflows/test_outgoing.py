from __future__ import annotations

from dataflows.outgoing import KEEP_BYTES, KEEP_MS, Outgoing, Recent


def record(at_ms: int, size: int = 10) -> Outgoing:
    return Outgoing("firings", b"p", b"x" * size, at_ms)


def test_the_last_quarter_of_an_hour_is_kept() -> None:
    recent = Recent()
    for at_ms in range(0, 2 * KEEP_MS, 60_000):
        recent.add([record(at_ms)], at_ms)
    newest = 2 * KEEP_MS - 60_000
    assert [o.at_ms for o in recent.all()] == list(range(newest - KEEP_MS, newest + 1, 60_000))


def test_a_storm_does_not_make_it_grow_without_bound() -> None:
    recent = Recent([record(0, 100)])
    recent.add([record(1, 1_000_000) for _ in range(40)], 1)
    assert sum(len(o.value) for o in recent.all()) <= KEEP_BYTES
    assert len(recent.all()) == KEEP_BYTES // 1_000_000
