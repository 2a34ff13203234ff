"""Lists of what the kernel found: columns, made into records when somebody looks at the first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar, cast

_T = TypeVar("_T")


class Rows(Protocol[_T]):
    """Columns that can be made into records; its length is known without."""

    def __len__(self) -> int: ...

    def records(self) -> list[_T]: ...


class Records(Generic[_T]):
    """A list whose members are made when it is first looked at; its length costs nothing."""

    __slots__ = ("_made", "_rows")

    def __init__(self, rows: Rows[_T] | None = None) -> None:
        self._made: list[_T] = []
        self._rows: list[Rows[_T]] = [rows] if rows is not None else []

    def append(self, record: _T) -> None:
        self._records().append(record)

    def __iadd__(self, others: Iterable[_T]) -> Records[_T]:
        if isinstance(others, Records) and not others._made:
            self._rows += others._rows
            return self
        self._records().extend(others)
        return self

    def __len__(self) -> int:
        return len(self._made) + sum(len(rows) for rows in self._rows)

    def __iter__(self) -> Iterator[_T]:
        return iter(self._records())

    def __getitem__(self, number: int) -> _T:
        return self._records()[number]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Records | list):
            return self._records() == list(cast("Iterable[_T]", other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._records())

    def _records(self) -> list[_T]:
        for rows in self._rows:
            self._made += rows.records()
        self._rows = []
        return self._made
