"""The two ends of a Bytewax flow of ours: one source and one sink, each of one partition, around plain functions.

`read` may wait a few milliseconds, which Bytewax would not have it do: with one source on one worker there is
nobody else to wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

X = TypeVar("X")
ONE = "one"
_PAST = datetime(2000, 1, 1, tzinfo=UTC)


class Source(FixedPartitionedSource[X, None]):
    """Ends when `read` returns None."""

    def __init__(self, read: Callable[[], Sequence[X] | None]) -> None:
        self._read = read

    @override
    def list_parts(self) -> list[str]:
        return [ONE]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Reading[X]:
        return _Reading(self._read)


class _Reading(StatefulSourcePartition[X, None], Generic[X]):
    def __init__(self, read: Callable[[], Sequence[X] | None]) -> None:
        self._read = read

    @override
    def next_batch(self) -> Sequence[X]:
        found = self._read()
        if found is None:
            raise StopIteration
        return found

    @override
    def next_awake(self) -> datetime:
        return _PAST  # else an empty batch costs a millisecond of rest

    @override
    def snapshot(self) -> None:
        return None


class Sink(FixedPartitionedSink[X, None]):
    def __init__(self, write: Callable[[Sequence[X]], None]) -> None:
        self._write = write

    @override
    def list_parts(self) -> list[str]:
        return [ONE]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Writing[X]:
        return _Writing(self._write)


class _Writing(StatefulSinkPartition[X, None], Generic[X]):
    def __init__(self, write: Callable[[Sequence[X]], None]) -> None:
        self._write = write

    @override
    def write_batch(self, values: list[X]) -> None:
        self._write(values)

    @override
    def snapshot(self) -> None:
        return None
