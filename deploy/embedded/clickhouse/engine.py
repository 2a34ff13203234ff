"""chDB, typed: the only file that calls it.

One process may open one folder; many handles on it are cheap, each with its own settings and database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import chdb
from chdb import ChdbError

from deploy.embedded.clickhouse.failure import EngineError, from_engine

DEFAULT_FORMAT = "TabSeparated"


class _Result(Protocol):
    def bytes(self) -> bytes: ...
    def rows_read(self) -> int: ...
    def bytes_read(self) -> int: ...
    def rows_written(self) -> int: ...
    def bytes_written(self) -> int: ...


class _Written(Protocol):
    rows_written: int
    bytes_written: int


class _Inserter(Protocol):
    def append(self, data: bytes) -> None: ...
    def finish(self) -> _Written: ...
    def cancel(self) -> None: ...


class _Connection(Protocol):
    def query(self, query: str, format: str, params: Mapping[str, str] | None = None) -> _Result: ...
    def send_insert(self, query: str, format: str) -> _Inserter: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine the engine may take; by itself it takes 90 % of it."""

    memory_bytes: int = 1_000_000_000
    mark_cache_bytes: int = 64_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    data: bytes
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0


class Handle:
    """One connection to the folder. Not for two threads at once."""

    def __init__(self, path: Path, limits: Limits) -> None:
        address = (
            f"{path}?max_server_memory_usage={limits.memory_bytes}"
            f"&mark_cache_size={limits.mark_cache_bytes}&index_mark_cache_size={limits.mark_cache_bytes}"
        )
        try:
            self._connection = cast("_Connection", chdb.connect(address))
        except (ChdbError, RuntimeError) as error:
            raise from_engine(str(error)) from None

    def query(self, sql: str, *, output: str = DEFAULT_FORMAT, params: Mapping[str, str] | None = None) -> Answer:
        """Run one statement.

        Raises:
            EngineError: the engine refused it or failed.
        """
        try:
            result = self._connection.query(sql, output, params or None)
        except (ChdbError, RuntimeError, ValueError) as error:
            raise from_engine(str(error)) from None
        return Answer(
            result.bytes(), result.rows_read(), result.bytes_read(), result.rows_written(), result.bytes_written()
        )

    def insert(self, sql: str, data_format: str, chunks: Iterable[bytes]) -> Answer:
        """Run an insert (without its FORMAT clause) and feed it data, in constant memory.

        Nothing of the last block is kept if the data end early or are malformed.

        Raises:
            EngineError: the engine refused the statement or the data.
        """
        try:
            inserter = self._connection.send_insert(sql, data_format)
        except (ChdbError, RuntimeError) as error:
            raise from_engine(str(error)) from None
        try:
            for chunk in chunks:
                inserter.append(chunk)
            written = inserter.finish()
        except (ChdbError, RuntimeError) as error:
            inserter.cancel()
            raise from_engine(str(error)) from None
        except EngineError:  # from reading the body
            inserter.cancel()
            raise
        return Answer(b"", rows_written=written.rows_written, bytes_written=written.bytes_written)

    def close(self) -> None:
        self._connection.close()
