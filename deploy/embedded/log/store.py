"""All that the broker holds: topics, committed offsets; and how long it holds it.

Memory is bounded: records older than their topic's retention go, and where all together take more than the limit,
the oldest of the largest partition go first. A compacted topic keeps everything (it holds one record a key and
change, and no batch is opened here).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.embedded.log.partition import Partition, Refusal, Refused

_MOST_PARTITIONS = 1_000
_UNTIL = 0.95


@dataclass(frozen=True, slots=True)
class Topic:
    """`retention_ms` None: nothing goes by itself."""

    partitions: tuple[Partition, ...]
    retention_ms: int | None


@dataclass(slots=True)
class Store:
    """Not shared between threads."""

    limit_bytes: int
    topics: dict[str, Topic] = field(default_factory=dict[str, Topic])
    committed: dict[tuple[str, str, int], int] = field(default_factory=dict[tuple[str, str, int], int])
    """The next offset of a group, topic and partition."""
    size: int = 0
    """Bytes held of all topics, with what it takes to hold them."""

    def create(self, name: str, partitions: int, config: Mapping[str, str]) -> None:
        """Make a topic; of its configuration, `cleanup.policy` and `retention.ms` are kept.

        Raises:
            Refused: there is one, or the number of partitions is out of bounds.
        """
        if name in self.topics:
            raise Refused(Refusal.TOPIC_ALREADY_EXISTS)
        if not 1 <= partitions <= _MOST_PARTITIONS:
            raise Refused(Refusal.INVALID_PARTITIONS)
        retention = int(config.get("retention.ms", "-1"))
        is_kept = retention < 0 or config.get("cleanup.policy") == "compact"
        made = tuple(Partition() for _ in range(partitions))
        self.topics[name] = Topic(made, None if is_kept else retention)

    def delete(self, name: str) -> None:
        """Raises:
        Refused: there is none.
        """
        if name not in self.topics:
            raise Refused(Refusal.UNKNOWN_TOPIC_OR_PARTITION)
        self.size -= sum(p.size for p in self.topics.pop(name).partitions)
        self.committed = {key: offset for key, offset in self.committed.items() if key[1] != name}

    def partition(self, name: str, number: int) -> Partition:
        """Raises:
        Refused: there is none.
        """
        topic = self.topics.get(name)
        if topic is None or not 0 <= number < len(topic.partitions):
            raise Refused(Refusal.UNKNOWN_TOPIC_OR_PARTITION)
        return topic.partitions[number]

    def append(self, name: str, number: int, records: bytes) -> int:
        """Take records, and let old ones go for them; return the first offset.

        Raises:
            Refused: no such partition, or they cannot be read.
        """
        partition = self.partition(name, number)
        before = partition.size
        first = partition.append(records)
        self.size += partition.size - before
        if self.size > self.limit_bytes:
            self._make_room()
        return first

    def expire(self, now_ms: int) -> None:
        """Let go what is older than its topic keeps."""
        for topic in self.topics.values():
            if topic.retention_ms is not None:
                for partition in topic.partitions:
                    partition.drop_before(now_ms - topic.retention_ms)
        self.size = sum(p.size for topic in self.topics.values() for p in topic.partitions)

    def _make_room(self) -> None:
        """Drop the oldest of the largest partitions, and always leave the latest batch of each."""
        least = int(self.limit_bytes * _UNTIL)
        droppable = [p for topic in self.topics.values() if topic.retention_ms is not None for p in topic.partitions]
        while self.size > least and droppable:
            largest = max(droppable, key=lambda p: p.size)
            before = largest.size
            if not largest.has_many:
                return
            largest.drop_first()
            self.size -= before - largest.size
