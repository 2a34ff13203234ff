"""A folder of batches that ClickHouse has not taken yet: one file a batch, sent in the order of their names."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

_SUFFIX = ".batch"
_FRESH = ".new"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one table, column by column. `token` is made of the content: equal rows, equal token."""

    token: str
    names: tuple[str, ...]
    columns: tuple[list[object], ...]

    @property
    def rows(self) -> int:
        return len(self.columns[0]) if self.columns else 0


@dataclass(frozen=True, slots=True)
class SpilledFile:
    name: str
    rows: int


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    names: tuple[str, ...]
    columns: list[list[object]]


def make_batch(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> Batch:
    """Turn rows of plain values (numbers, text, flags, maps of them) into a batch."""
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return Batch(_token(_encoded(names, columns)), tuple(names), columns)


class Spill:
    """Bounded by `limit_bytes`; who passes it removes the oldest. Not shared between processes."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._sizes: dict[str, int] = {}
        self._number = itertools.count()
        # Later processes' files sort after earlier ones'.
        self._epoch = time.time_ns()
        if folder.is_dir():
            # Left by a process that was killed while it wrote: what was in it was never said to be safe.
            for torn in folder.glob(f"*{_FRESH}"):
                torn.unlink(missing_ok=True)
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                self._sizes[path.name] = path.stat().st_size

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def total_bytes(self) -> int:
        return sum(self._sizes.values())

    @property
    def is_over_limit(self) -> bool:
        return self.total_bytes > self._limit

    def files(self) -> list[SpilledFile]:
        """Return what lies there, the oldest first; the name tells the count of rows."""
        return [SpilledFile(name, _rows_in(name)) for name in sorted(self._sizes)]

    def write(self, batch: Batch) -> str:
        """Put a batch on disk for good and return its name.

        Raises:
            OSError: no room, no permission.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._epoch:020d}-{next(self._number):08d}-{batch.rows}{_SUFFIX}"
        data = _encoded(batch.names, batch.columns)
        fresh = self._folder / f"{name}{_FRESH}"
        try:
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / name)
            _sync(self._folder)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        self._sizes[name] = len(data)
        return name

    def read(self, name: str) -> Batch | None:
        """Return a batch, None where the file cannot be read as one."""
        try:
            data = (self._folder / name).read_bytes()
            stored = msgspec.msgpack.decode(data, type=_Stored)
        except (OSError, msgspec.MsgspecError):
            return None
        if len({len(column) for column in stored.columns}) != 1 or len(stored.columns) != len(stored.names):
            return None
        return Batch(_token(data), stored.names, tuple(stored.columns))

    def remove(self, name: str) -> None:
        self._sizes.pop(name, None)
        (self._folder / name).unlink(missing_ok=True)

    def set_aside(self, name: str, batch: Batch | None) -> None:
        """Keep a batch that ClickHouse refuses for good, where it is no longer sent."""
        refused = self._folder / "refused"
        source = self._folder / name
        if name not in self._sizes and batch is not None:
            source = self._folder / self.write(batch)
        self._sizes.pop(source.name, None)
        if source.exists():
            refused.mkdir(parents=True, exist_ok=True)
            source.replace(refused / source.name)


def move_batches(source: Path, target: Path) -> int:
    """Move the batches of a folder that no process works on into another; return how many. A name taken stays.

    Raises:
        OSError: one cannot be moved; those before it are.
    """
    moved = 0
    for path in sorted(source.glob(f"*{_SUFFIX}")):
        if not (target / path.name).exists():
            path.replace(target / path.name)
            moved += 1
    if moved:
        _sync(target)
    return moved


def _sync(folder: Path) -> None:
    """Make the names in a folder as safe as the contents."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rows_in(name: str) -> int:
    count = name.removesuffix(_SUFFIX).rpartition("-")[2]
    return int(count) if count.isdigit() else 0


def _encoded(names: Sequence[str], columns: Sequence[list[object]]) -> bytes:
    return msgspec.msgpack.encode(_Stored(tuple(names), list(columns)))


def _token(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
