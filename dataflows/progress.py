"""Does reading get on? A flow that beats and reads nothing is the worst kind of broken: it looks well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STALLED_S = 5.0
"""Unread records beside a reader that takes none for so long: it stands still."""
BEHIND_S = 5.0
"""A reader that has not been near the end of its partition for so long is behind, however fast it reads.

Near: what lies unread is no more than it took since the look before."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Where a partition is read: the next offset, and how many records lie from there to its end."""

    next_offset: int
    records: int


@dataclass(slots=True)
class _Since:
    next_offset: int
    moved_s: float
    near_end_s: float


class Progress:
    def __init__(self) -> None:
        self._since: dict[int, _Since] = {}
        self._unread: Mapping[int, Unread] = {}
        self._now_s = 0.0

    def take(self, unread: Mapping[int, Unread], *, now_s: float) -> None:
        """Note where every partition is read, by a clock that only goes on."""
        self._unread, self._now_s = unread, now_s
        for partition, at in unread.items():
            since = self._since.setdefault(partition, _Since(at.next_offset, now_s, now_s))
            taken = at.next_offset - since.next_offset
            if at.records <= max(0, taken):
                since.near_end_s = now_s
            if taken or at.records == 0:
                since.next_offset, since.moved_s = at.next_offset, now_s

    def problem(self) -> str:
        """Return what is wrong in one sentence, empty where reading keeps up."""
        records = sum(at.records for at in self._unread.values())
        still_s = self._longest([since.moved_s for since in self._since.values()])
        if still_s >= STALLED_S:
            return f"stalled: {records:,} records of the tape lie unread, none taken for {still_s:.0f} s"
        behind_s = self._longest([since.near_end_s for since in self._since.values()])
        if behind_s >= BEHIND_S:
            return f"behind the tape for {behind_s:.0f} s: {records:,} records lie unread"
        return ""

    def _longest(self, since_s: list[float]) -> float:
        return self._now_s - min(since_s, default=self._now_s)
