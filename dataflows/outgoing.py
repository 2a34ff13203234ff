"""Records on their way to Kafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

import msgspec

Where = Literal["firings", "suppressions", "dead_letters"]
KEEP_MS = 15 * 60_000
KEEP_BYTES = 16_000_000


class Outgoing(msgspec.Struct, frozen=True):
    """One record. `at_ms` is our wall clock when it was made."""

    topic: Where
    key: bytes
    value: bytes
    at_ms: int


class Recent:
    """What was made in the last 15 minutes and not more than 16 MB of it: the oldest goes first."""

    def __init__(self, kept: Iterable[Outgoing] = ()) -> None:
        self._kept = deque(kept)
        self._bytes = sum(len(o.value) for o in self._kept)

    def add(self, made: Iterable[Outgoing], now_ms: int) -> None:
        for outgoing in made:
            self._kept.append(outgoing)
            self._bytes += len(outgoing.value)
        while self._kept and (self._kept[0].at_ms < now_ms - KEEP_MS or self._bytes > KEEP_BYTES):
            self._bytes -= len(self._kept.popleft().value)

    def all(self) -> list[Outgoing]:
        return list(self._kept)
