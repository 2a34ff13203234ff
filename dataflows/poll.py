"""What one look at the log brought: records as they lie there, by partition."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LogRecord:
    """`value` None is a tombstone."""

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Poll:
    """Records of trade partitions, of the control topic and of the news topic, each in log order.

    `caught_up` are the partitions whose log has been read to the end it had when the reading began.
    """

    trades: dict[int, list[LogRecord]] = field(default_factory=dict[int, list[LogRecord]])
    control: list[LogRecord] = field(default_factory=list[LogRecord])
    news: list[LogRecord] = field(default_factory=list[LogRecord])
    caught_up: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.control) + len(self.news) + sum(len(records) for records in self.trades.values())
