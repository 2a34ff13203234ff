"""Which columns of which candles somebody watched at a moment: worked out when somebody looks.

Ten thousand lanes close at once, and who reads the candles may never look at most of them.
"""

from __future__ import annotations

from collections.abc import Callable

Picks = list[tuple[str, int]]
"""Each watched column of a lane, with its place among the kernel's values of a candle."""


class Watched:
    """A moment. What changes later is worked out before it does, here or at a later moment, of which it knows."""

    __slots__ = ("__weakref__", "_find", "_known", "later")

    def __init__(self, find: Callable[[int, int], Picks]) -> None:
        self._find = find
        self._known: dict[tuple[int, int], Picks] = {}
        self.later: Watched | None = None

    @property
    def has_changed(self) -> bool:
        """Whether something has changed since: a new moment has begun."""
        return bool(self._known)

    def settle(self, b: int, lane: int) -> None:
        """Work out what was watched of a lane: it is about to change."""
        if (b, lane) not in self._known:
            self._known[b, lane] = self._find(b, lane)

    def columns(self, b: int, lane: int) -> Picks:
        """Return what was watched of a lane."""
        moment: Watched | None = self
        while moment is not None:
            if (b, lane) in moment._known:
                return moment._known[b, lane]
            moment = moment.later
        return self._find(b, lane)
