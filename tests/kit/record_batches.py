"""RecordBatches as a producer makes them, for tests of a log that keeps them unopened."""

from __future__ import annotations

import struct

_BATCH = struct.Struct(">qiibIhiqqqhii")


def record_batch(
    count: int = 1,
    *,
    latest_ms: int = 0,
    payload: bytes = b"records",
    producer: int = -1,
    epoch: int = 0,
    first: int = 0,
) -> bytes:
    """Return a batch of so many records; `first` is its first sequence number. The checksum is not computed."""
    rest = _BATCH.size - 12 + len(payload)
    return _BATCH.pack(0, rest, -1, 2, 7, 0, count - 1, 0, latest_ms, producer, epoch, first, count) + payload


def offsets_of(data: bytes) -> list[tuple[int, int]]:
    """Return the first offset and the number of records of each batch."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(data):
        base, rest, *_, count = _BATCH.unpack_from(data, at)
        found.append((base, count))
        at += rest + 12
    return found
