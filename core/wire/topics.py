"""The topics: names, sizes, how long they keep what they hold."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from core.settings import Settings

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` as on the broker, with the prefix of the settings; partitions never change once made."""

    name: str
    partitions: int
    retention_ms: int
    compacted: bool = False


@dataclass(frozen=True, slots=True)
class Topics:
    trades: Topic
    triggers: Topic
    firings: Topic
    suppressions: Topic
    events: Topic
    costs: Topic
    news: Topic
    feed_health: Topic
    dead_letters: Topic

    def all(self) -> tuple[Topic, ...]:
        return (
            self.trades, self.triggers, self.firings, self.suppressions,
            self.events, self.costs, self.news, self.feed_health, self.dead_letters,
        )  # fmt: skip


def topics(settings: Settings) -> Topics:
    def topic(name: str, *, hours: int, partitions: int = 1, compacted: bool = False) -> Topic:
        return Topic(settings.topic_prefix + name, partitions, hours * _HOUR_MS, compacted)

    return Topics(
        trades=topic("trades", hours=6, partitions=settings.trades_partitions),
        triggers=topic("triggers", hours=0, compacted=True),
        firings=topic("firings", hours=72),
        suppressions=topic("suppressions", hours=72),
        events=topic("events", hours=72),
        costs=topic("costs", hours=168),
        news=topic("news", hours=72),
        feed_health=topic("feed-health", hours=72),
        dead_letters=topic("dead-letters", hours=168),
    )


def partition_of(symbol: str, partitions: int) -> int:
    """Return the partition of a symbol: stable across processes, machines and versions."""
    return zlib.crc32(symbol.encode()) % partitions
