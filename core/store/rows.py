"""Rows as records: a Struct names the columns it wants, and is what a query gives back.

`read_all(tx, select(*columns(users, User)).where(...), User)`: the Struct's fields pick the columns, and each
value is checked against the field's type, so a column that drifts from its record fails loudly in a test.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import Column, Connection, RowMapping, Select, Table

_T = TypeVar("_T", bound=msgspec.Struct)


def columns(table: Table, kind: type[msgspec.Struct]) -> list[Column[object]]:
    """Return the table's columns that have the names of the Struct's fields."""
    return [table.c[name] for name in kind.__struct_fields__ if name in table.c]


def read_all(tx: Connection, query: Select[*tuple[object, ...]], kind: type[_T]) -> list[_T]:
    return [_record(row, kind) for row in tx.execute(query).mappings()]


def read_first(tx: Connection, query: Select[*tuple[object, ...]], kind: type[_T]) -> _T | None:
    """Return the first row, or None where there is none."""
    row = tx.execute(query).mappings().first()
    return None if row is None else _record(row, kind)


def _record(row: RowMapping, kind: type[_T]) -> _T:
    # Names of labels are of a class of their own, which msgspec does not take for a text.
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)
