"""Time triggers against feed time (T33): what is due, what is missed."""

from __future__ import annotations

from engine import schedule
from engine.condition import Schedule
from engine.decided import Moment
from engine.decisions import Decisions
from engine.matcher import Entry, Matcher

_NEVER = 2**62
MISSED_MOST = 100
"""Missed instants of one trigger that a mark says one by one; of those beyond it says the latest (T33)."""
_FRESH_MS = 24 * 3_600_000
"""Instants are not passed over within the grace, of a day at most."""


class Timetable:
    """The next instant of every time trigger; it stands in the trigger's entry."""

    def __init__(self, matcher: Matcher, decisions: Decisions) -> None:
        self._matcher = matcher
        self._decisions = decisions
        self._idle_until: int | None = None
        """No instant lies before it, so that a mark has nothing to look for; None is not known."""

    def arm(self, entry: Entry, now_ms: int | None) -> None:
        """Let a trigger's instants count from now; without a time yet, from the first mark."""
        when = entry.spec.schedule
        if when is not None:
            entry.next_due_ms = None if now_ms is None else schedule.next_after(when.when, now_ms)
            if self._idle_until is not None and entry.next_due_ms is not None:
                self._idle_until = min(self._idle_until, entry.next_due_ms)

    def start(self, from_ms: int) -> None:
        """Let every schedule count from here: instants at or after `from_ms` fall due."""
        for entry, when in self._matcher.schedules():
            entry.next_due_ms = schedule.next_after(when.when, from_ms - 1)
        self._idle_until = None

    def next_due_ms(self) -> int | None:
        found = [e.next_due_ms for e, _ in self._matcher.schedules() if e.next_due_ms is not None]
        return min(found, default=None)

    def fire(self, feed_ms: int, moment: Moment, *, is_first: bool) -> None:
        """Fire every instant that a mark of this feed time has reached; older than the grace is missed.

        Args:
            is_first: The first mark ever: what was due before it is not ours to fire.
        """
        if self._idle_until is not None and feed_ms < self._idle_until and not is_first:
            return
        for entry, when in self._matcher.schedules():
            if is_first and entry.next_due_ms is None:
                entry.next_due_ms = schedule.next_after(when.when, feed_ms - 1)
            instants = _reached(entry, when, feed_ms)
            for n, instant in enumerate(instants):
                is_old = feed_ms - instant > when.missed_grace_ms
                is_missed = is_old and (when.missed == "skip" or n < len(instants) - 1)
                for _, armed in sorted(entry.rows.items()):
                    self._decisions.fire_instant(armed, instant, moment, is_missed=is_missed)
        due = self.next_due_ms()
        self._idle_until = due if due is not None else _NEVER


def _reached(entry: Entry, when: Schedule, feed_ms: int) -> list[int]:
    """Return the instants up to a feed time and move the entry past them.

    A cron of every minute after a month's silence has 43,200: they would hold up every other trigger. The
    work is bounded by `MISSED_MOST` and by what the grace holds, of which a day counts.
    """
    fresh_ms = feed_ms - min(when.missed_grace_ms, _FRESH_MS)
    found: list[int] = []
    due = entry.next_due_ms
    while due is not None and due <= feed_ms:
        if len(found) == MISSED_MOST and due < fresh_ms:
            due = schedule.latest_between(when.when, due, fresh_ms - 1)
        found.append(due)
        due = schedule.next_after(when.when, due)
    entry.next_due_ms = due
    return found
