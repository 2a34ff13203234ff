"""A fetch: what it asks for, and its answer from what is held at that moment."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.embedded.log.octets import Reader, i16, i32, i64, many, octets, text
from deploy.embedded.log.partition import Partition, Refused
from deploy.embedded.log.store import Store

OLDEST, NEWEST = 4, 10
_NO_SESSION = i16(0) + i32(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    topic: str
    number: int
    offset: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """`wait_ms`: how long to wait where nothing is there. Any record ends the wait, whatever the least size asked."""

    version: int
    wait_ms: int
    most_bytes: int
    wanted: tuple[tuple[str, tuple[Wanted, ...]], ...]

    @classmethod
    def read(cls, version: int, body: Reader) -> Fetch:
        body.i32()  # replica
        wait_ms = body.i32()
        body.i32()  # least size
        most_bytes = body.i32()
        body.i8()  # isolation: there are no transactions
        if version >= 7:
            body.i32()  # session
            body.i32()  # and its epoch: each fetch stands for itself

        def topic() -> tuple[str, tuple[Wanted, ...]]:
            name = body.text()
            return name, tuple(body.many(lambda: _wanted(version, name, body)))

        return cls(version, max(0, wait_ms), most_bytes, tuple(body.many(topic)))

    def partitions(self, store: Store) -> list[Partition]:
        """Return those that exist."""
        found: list[Partition] = []
        for _, all_wanted in self.wanted:
            for wanted in all_wanted:
                topic = store.topics.get(wanted.topic)
                if topic is not None and 0 <= wanted.number < len(topic.partitions):
                    found.append(topic.partitions[wanted.number])
        return found

    def is_answerable(self, store: Store) -> bool:
        """Whether there is something to say at once: a record, or that something asked for is not there."""
        for _, all_wanted in self.wanted:
            for wanted in all_wanted:
                try:
                    if store.partition(wanted.topic, wanted.number).end != wanted.offset:
                        return True
                except Refused:
                    return True
        return False

    def answer(self, store: Store) -> bytes:
        left = self.most_bytes
        topics: list[bytes] = []
        for name, all_wanted in self.wanted:
            parts: list[bytes] = []
            for wanted in all_wanted:
                encoded, size = self._answer(store, wanted, left)
                left -= size
                parts.append(encoded)
            topics.append(text(name) + many(parts))
        return i32(0) + (_NO_SESSION if self.version >= 7 else b"") + many(topics)

    def _answer(self, store: Store, wanted: Wanted, left: int) -> tuple[bytes, int]:
        code, start, end, records = 0, -1, -1, b""
        try:
            partition = store.partition(wanted.topic, wanted.number)
            start, end = partition.start, partition.end
            records = partition.read(wanted.offset, min(wanted.most_bytes, left)) if left > 0 else b""
        except Refused as refused:
            code = refused.code
        starts = i64(start) if self.version >= 5 else b""
        # The end of what is committed twice: all is. No transaction was aborted.
        return (
            i32(wanted.number) + i16(code) + i64(end) + i64(end) + starts + i32(0) + octets(records),
            len(records),
        )


def _wanted(version: int, name: str, body: Reader) -> Wanted:
    number = body.i32()
    if version >= 9:
        body.i32()  # leader epoch
    offset = body.i64()
    if version >= 5:
        body.i64()  # a follower's start
    return Wanted(name, number, offset, body.i32())
