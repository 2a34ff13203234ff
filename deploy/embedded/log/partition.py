"""One partition: the batches that producers sent, as they sent them, under the offsets given to them here.

A batch is a RecordBatch of Kafka (magic 2). Its base offset and leader epoch lie before what its checksum covers,
so it is kept, compressed or not, without a look inside. A producer that asks for idempotence has its repeats
recognised by their sequence numbers; one that is not known here begins wherever it is, as after a start of the
broker all of them are unknown.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

# base offset, length of the rest, leader epoch, magic, checksum, attributes, last offset delta, first and latest
# time in ms, producer id and epoch, first sequence number, number of records
_BATCH = struct.Struct(">qiibIhiqqqhii")
_BEFORE_LENGTH_ENDS = 12
_EPOCH = struct.pack(">i", 0)
_MAGIC = 2
_REPEATS_KNOWN = 5
_PRODUCERS_KNOWN = 1_000
_SEQUENCES = 1 << 31
HOLDING = 250
"""Bytes of memory that a batch takes besides its own, as measured."""


class Refusal(IntEnum):
    """Error codes of the protocol."""

    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    UNSUPPORTED_VERSION = 35
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    OUT_OF_ORDER_SEQUENCE = 45
    INVALID_PRODUCER_EPOCH = 47


class Refused(Exception):
    """What was asked for cannot be; `code` says why."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Batch:
    """`data` holds the offsets it was given; `latest_ms` is the latest time of its records."""

    first: int
    latest_ms: int
    data: bytes


_GONE = Batch(-1, -1, b"")


@dataclass(slots=True)
class _Producer:
    epoch: int
    last: int
    """The sequence number of its last record."""
    lately: deque[tuple[int, int]] = field(default_factory=lambda: deque[tuple[int, int]](maxlen=_REPEATS_KNOWN))
    """Of its last batches: the first sequence number, and the offset it was given."""


class Partition:
    """`start` is the first offset held, `end` the one after the last; `on_arrival` are told of each append, once."""

    def __init__(self) -> None:
        self.start = self.end = 0
        self.size = 0
        """Bytes held, with what it takes to hold them."""
        self.on_arrival: set[Callable[[], None]] = set()
        self._firsts: list[int] = []
        self._batches: list[Batch] = []
        self._gone = 0
        """How many of the lists' first entries have been dropped already."""
        self._producers: dict[int, _Producer] = {}

    def append(self, records: bytes) -> int:
        """Take batches; return the offset of the first record.

        Raises:
            Refused: one is no batch of this format, or out of its producer's order; those before it are taken.
        """
        first, at = self.end, 0
        while at < len(records):
            whole, latest_ms, count, repeated = self._look(records, at)
            if repeated is not None:
                return repeated
            self._keep(records[at : at + whole], latest_ms, count)
            at += whole
        for told in tuple(self.on_arrival):
            told()
        return first

    def read(self, offset: int, most_bytes: int) -> bytes:
        """Return whole batches from the one that holds an offset on, at least one where there is any.

        Raises:
            Refused: the offset is not held, and is not the end.
        """
        if not self.start <= offset <= self.end:
            raise Refused(Refusal.OFFSET_OUT_OF_RANGE)
        if offset == self.end:
            return b""
        found: list[bytes] = []
        size = 0
        for n in range(self._index(offset), len(self._batches)):
            data = self._batches[n].data
            size += len(data)
            if found and size > most_bytes:
                break
            found.append(data)
        return b"".join(found)

    @property
    def has_many(self) -> bool:
        """Whether it holds more than one batch."""
        return len(self._batches) - self._gone > 1

    def since(self, ts_ms: int) -> tuple[int, int]:
        """Return offset and time of the first batch that holds a time or a later one; (-1, -1) where none does."""
        for batch in islice(self._batches, self._gone, None):
            if batch.latest_ms >= ts_ms:
                return batch.first, batch.latest_ms
        return -1, -1

    def drop_first(self) -> None:
        """Forget the oldest batch; there has to be one."""
        batch = self._batches[self._gone]
        self.size -= len(batch.data) + HOLDING
        # Its place is taken out later, with many others; its memory is free now.
        self._batches[self._gone] = _GONE
        self._gone += 1
        if self._gone > len(self._batches) // 2:
            del self._batches[: self._gone], self._firsts[: self._gone]
            self._gone = 0
        self.start = self._batches[self._gone].first if self._gone < len(self._batches) else self.end

    def drop_before(self, ts_ms: int) -> None:
        """Forget the batches all of whose records are older than a time."""
        while self.size and self._batches[self._gone].latest_ms < ts_ms:
            self.drop_first()

    def _index(self, offset: int) -> int:
        return bisect_right(self._firsts, offset, lo=self._gone) - 1

    def _look(self, records: bytes, at: int) -> tuple[int, int, int, int | None]:
        """Return a batch's size, latest time, number of offsets, and the offset it has already if it is a repeat."""
        try:
            _, rest, _, magic, _, _, delta, _, latest_ms, producer, epoch, sequence, _ = _BATCH.unpack_from(records, at)
        except struct.error:
            raise Refused(Refusal.CORRUPT_MESSAGE) from None
        whole = rest + _BEFORE_LENGTH_ENDS
        if magic != _MAGIC or whole < _BATCH.size or at + whole > len(records) or delta < 0:
            raise Refused(Refusal.CORRUPT_MESSAGE)
        repeated = self._note(producer, epoch, sequence, delta) if producer >= 0 else None
        return whole, latest_ms, delta + 1, repeated

    def _note(self, number: int, epoch: int, sequence: int, delta: int) -> int | None:
        known = self._producers.get(number)
        if known is not None and epoch < known.epoch:
            raise Refused(Refusal.INVALID_PRODUCER_EPOCH)
        if known is not None and epoch == known.epoch:
            repeated = next((offset for first, offset in known.lately if first == sequence), None)
            if repeated is not None:
                return repeated
            if sequence != (known.last + 1) % _SEQUENCES:
                raise Refused(Refusal.OUT_OF_ORDER_SEQUENCE)
        else:
            known = self._producers[number] = _Producer(epoch, 0)
            if len(self._producers) > _PRODUCERS_KNOWN:
                del self._producers[next(iter(self._producers))]
        known.last = (sequence + delta) % _SEQUENCES
        known.lately.append((sequence, self.end))
        return None

    def _keep(self, data: bytes, latest_ms: int, count: int) -> None:
        own = struct.pack(">q", self.end) + data[8:_BEFORE_LENGTH_ENDS] + _EPOCH + data[16:]
        self._firsts.append(self.end)
        self._batches.append(Batch(self.end, latest_ms, own))
        self.size += len(own) + HOLDING
        self.end += count
