"""What has been heard beside the tape (controls, news) and waits for its place in it (T30, T31).

Live, a thing takes effect as soon as it is read. While what is read lies in the past, it waits: after a restart
for the place in the log, and the order, that the journal says it had; else for the first record received after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from dataflows.bulletin import Bulletin
from dataflows.control import Control
from dataflows.journal import Heard

Told = Control | Bulletin


def heard_of(told: Told) -> Heard:
    """Return the topic and offset of a thing."""
    return ("triggers" if isinstance(told, Control) else "news", told.offset)


class _Queue:
    """What waits of one topic, in its order."""

    def __init__(self) -> None:
        self.told: deque[Told] = deque()
        self.known: deque[int] = deque()
        """Of those that took effect before the restart, the order in which they did."""

    @property
    def first(self) -> int | None:
        return self.told[0].offset if self.told else None

    @property
    def rank(self) -> tuple[int, int]:
        # What took effect before the restart came before all that had not. A control that changed nothing for
        # this partition is not in the journal: it goes with the next one that is.
        return (0, self.known[0]) if self.known else (1, self.told[0].at_ms)


class Pending:
    """Controls and news, each in the order of its topic."""

    def __init__(self, places: Mapping[Heard, int]) -> None:
        """Take the places of things heard before a restart, in the order in which they took effect."""
        self._places = places
        self._order = {heard: n for n, heard in enumerate(places)}
        self._controls, self._news = _Queue(), _Queue()

    def __bool__(self) -> bool:
        return bool(self._controls.told or self._news.told)

    @property
    def first_control(self) -> int | None:
        return self._controls.first

    @property
    def first_news(self) -> int | None:
        return self._news.first

    def add(self, told: Told) -> None:
        queue = self._controls if isinstance(told, Control) else self._news
        queue.told.append(told)
        if (known := self._order.get(heard_of(told))) is not None:
            queue.known.append(known)

    def take(self) -> Told | None:
        """Take what comes first, None where nothing waits."""
        queue = self._first()
        if queue is None:
            return None
        told = queue.told.popleft()
        if heard_of(told) in self._order:
            queue.known.popleft()
        return told

    def take_due(self, offset: int, recv_ms: int) -> Told | None:
        """Take what comes first if it takes effect before a record of the tape.

        Args:
            offset, recv_ms: Of that record; -1 where it does not say when it was received.
        """
        queue = self._first()
        if queue is None:
            return None
        first = queue.told[0]
        place = self._places.get(heard_of(first))
        is_due = offset >= place if place is not None else recv_ms >= first.at_ms
        return self.take() if is_due else None

    def _first(self) -> _Queue | None:
        waiting = [queue for queue in (self._controls, self._news) if queue.told]
        return min(waiting, key=lambda queue: queue.rank, default=None)
