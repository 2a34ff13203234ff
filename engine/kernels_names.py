"""A table from names to rows in compiled code: open addressing over names that stand one after another as bytes.

Each name ends in a zero byte. A cell of the table is 0 where it is empty, -1 where a name went, else row + 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel

Bytes = NDArray[np.uint8]
Cells = NDArray[np.int32]


@kernel
def _end_and_hash(names: Bytes, first: int) -> tuple[int, int]:
    """Return where a name ends, and its hash (FNV-1a)."""
    h = 1469598103934665603
    at = first
    while names[at] != 0:
        h = (h ^ int(names[at])) * 1099511628211
        at += 1
    return at, h ^ (h >> 31)


@kernel
def _is_same(asked: Bytes, first: int, end: int, names: Bytes, at: int) -> bool:
    for j in range(end - first + 1):  # noqa: SIM110 - compiled; with the zero that ends it
        if asked[first + j] != names[at + j]:
            return False
    return True


@kernel
def find_names(asked: Bytes, names: Bytes, name_at: Cells, table: Cells, found: Cells) -> None:
    """Write for each name asked for its row, -1 where it is unknown."""
    mask = table.shape[0] - 1
    first = 0
    for i in range(found.shape[0]):
        end, h = _end_and_hash(asked, first)
        cell = h & mask
        found[i] = -1
        while table[cell] != 0:
            row = table[cell] - 1
            if row >= 0 and _is_same(asked, first, end, names, int(name_at[row])):
                found[i] = row
                break
            cell = (cell + 1) & mask
        first = end + 1


@kernel
def put_names(rows: Cells, names: Bytes, name_at: Cells, table: Cells) -> None:
    """Enter rows whose names stand already; none is known."""
    mask = table.shape[0] - 1
    for i in range(rows.shape[0]):
        _, h = _end_and_hash(names, int(name_at[rows[i]]))
        cell = h & mask
        while table[cell] > 0:
            cell = (cell + 1) & mask
        table[cell] = rows[i] + 1


@kernel
def take_names(rows: Cells, names: Bytes, name_at: Cells, table: Cells) -> int:
    """Take rows out; return how many bytes their names are."""
    mask = table.shape[0] - 1
    dead = 0
    for i in range(rows.shape[0]):
        end, h = _end_and_hash(names, int(name_at[rows[i]]))
        dead += end + 1 - int(name_at[rows[i]])
        cell = h & mask
        while table[cell] != rows[i] + 1:
            cell = (cell + 1) & mask
        table[cell] = -1
    return dead


@kernel
def move_names(rows: Cells, names: Bytes, name_at: Cells, moved: Bytes) -> int:
    """Copy the names of these rows one after another; return how many bytes that took."""
    to = 0
    for i in range(rows.shape[0]):
        at = name_at[rows[i]]
        name_at[rows[i]] = to
        while True:
            moved[to] = names[at]
            to += 1
            at += 1
            if names[at - 1] == 0:
                break
    return to
