"""The state of a partition on disk: engine, offsets and recent firings in one file, replaced as a whole.

Bytewax's own recovery is not used: two stores of offsets would be one too many, and the engine's state is far
larger than what Bytewax can carry without stalling.

    "TWCP"  u8 version  16 bytes blake2b of the rest  msgpack PartitionState
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from core.errors import Unavailable
from core.observability import logger
from dataflows.control import Known
from dataflows.outgoing import Outgoing

_log = logger(__name__)
_MAGIC = b"TWCP"
_VERSION = 1
_DIGEST = 16
_HEAD = len(_MAGIC) + 1 + _DIGEST


class PartitionState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a partition needs to go on.

    partitions     how many the topic has; another number means that the symbols lie elsewhere
    trades_next    the next offset to read of its trades, None for the beginning
    control_next   the first control record that has not taken effect
    news_next      the first record of the news topic that has not taken effect
    recent         what was sent to Kafka of late, for a broker that loses it
    is_delivered   whether the broker confirmed all of it
    engine         `Engine.snapshot()`
    """

    partition: int
    partitions: int
    cluster_id: str
    trades_next: int | None
    control_next: int | None
    known: list[Known]
    recent: list[Outgoing]
    is_delivered: bool
    saved_at_ms: int
    engine: bytes
    news_next: int | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a state of a partition goes; the fields as in `PartitionState`."""

    partition: int
    cluster_id: str
    control_next: int | None
    news_next: int | None


@dataclass(frozen=True, slots=True)
class Draft:
    """The states of a process's partitions at one moment, not yet on disk."""

    states: tuple[PartitionState, ...]

    @property
    def extents(self) -> tuple[Extent, ...]:
        return tuple(Extent(s.partition, s.cluster_id, s.control_next, s.news_next) for s in self.states)


class InvalidCheckpoint(ValueError):
    """The file is damaged, or of another version; the text says which."""


class PartitionFolder:
    """The files of one partition. `lock` keeps a second process out; the system frees it when we die."""

    def __init__(self, data_dir: Path, partition: int) -> None:
        self.path = data_dir / "market" / f"partition-{partition:04d}"
        self.partition = partition
        self._lock: IO[bytes] | None = None

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def fresh(self) -> Path:
        """A checkpoint that is not yet in its place."""
        return self.path / "fresh"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    def lock(self) -> None:
        """Take the partition for this process.

        Raises:
            Unavailable: another process has it, or the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            held = (self.path / "lock").open("wb")
        except OSError as error:
            raise Unavailable(f"the data folder {str(self.path)!r} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            raise Unavailable(f"another process works on partition {self.partition}") from None
        self._lock = held

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def save(path: Path, state: PartitionState) -> None:
    """Write the state so that a reader finds the old one or the new one, whole.

    Raises:
        OSError: no room, no permission; the old one stays.
    """
    body = msgspec.msgpack.encode(state)
    head = _MAGIC + bytes((_VERSION,)) + hashlib.blake2b(body, digest_size=_DIGEST).digest()
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(head)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    put(fresh, path)


def put(fresh: Path, path: Path) -> None:
    """Put a whole file in its place, also for a machine that loses power after this.

    Raises:
        OSError: it cannot be done.
    """
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path) -> PartitionState | None:
    """Return the state last saved, None where there is none.

    Raises:
        InvalidCheckpoint: damaged, or of another version.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _HEAD:
        raise InvalidCheckpoint(f"found {data[:4]!r}, a checkpoint begins with {_MAGIC!r}")
    if data[len(_MAGIC)] != _VERSION:
        raise InvalidCheckpoint(f"found version {data[len(_MAGIC)]}, this process reads {_VERSION}")
    body = memoryview(data)[_HEAD:]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != data[len(_MAGIC) + 1 : _HEAD]:
        raise InvalidCheckpoint("the checksum does not match")
    try:
        return msgspec.msgpack.decode(body, type=PartitionState)
    except msgspec.MsgspecError as error:
        raise InvalidCheckpoint(str(error)) from None


def set_aside(path: Path) -> Path:
    """Keep a file that cannot be used, under another name, so that it can be looked at."""
    aside = path.with_suffix(".unreadable")
    path.replace(aside)
    return aside
