"""Which trigger id is which row, for millions of them: a few bytes each instead of an object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine import kernels_names

_Rows = NDArray[np.int32]


class Names:
    """Names of rows, each once. A name holds no zero character."""

    def __init__(self) -> None:
        self._bytes = np.zeros(1024, np.uint8)
        self._used = self._dead = 0
        self._at: _Rows = np.zeros(16, np.int32)
        self._table: _Rows = np.zeros(64, np.int32)
        self._count = self._gone = 0

    def __len__(self) -> int:
        return self._count

    def find(self, names: Sequence[str]) -> _Rows:
        """Return the row of each name, -1 where there is none."""
        found = np.full(len(names), -1, np.int32)
        if len(names):
            kernels_names.find_names(_joined(names), self._bytes, self._at, self._table, found)
        return found

    def put(self, names: Sequence[str], rows: _Rows) -> None:
        """Give rows their names, none of which is known.

        Raises:
            ValueError: a name with a zero character.
        """
        if not len(rows):
            return
        joined = _joined(names)
        ends = np.flatnonzero(joined == 0)
        if len(ends) != len(names):
            raise ValueError("a name with a zero character")
        most = int(rows.max()) + 1
        if most > len(self._at):
            self._at = np.concatenate((self._at, np.zeros(max(most, 2 * len(self._at)) - len(self._at), np.int32)))
        self._at[rows[0]] = self._used
        self._at[rows[1:]] = self._used + ends[:-1] + 1
        self._append(joined)
        self._count += len(rows)
        if 10 * (self._count + self._gone) > 7 * len(self._table):
            self._enter_all(np.concatenate((self.rows(), rows)))
        else:
            kernels_names.put_names(rows, self._bytes, self._at, self._table)

    def take(self, rows: _Rows) -> None:
        """Forget the names of these rows."""
        self._dead += kernels_names.take_names(rows, self._bytes, self._at, self._table)
        self._count -= len(rows)
        self._gone += len(rows)
        if self._dead > 65_536 and 2 * self._dead > self._used:
            moved = np.zeros(max(1024, self._used - self._dead), np.uint8)
            self._used = kernels_names.move_names(self.rows(), self._bytes, self._at, moved)
            self._bytes, self._dead = moved, 0

    def rows(self) -> _Rows:
        """Return every row that has a name, ascending."""
        return np.sort(self._table[self._table > 0]) - np.int32(1)

    def name_of(self, row: int) -> str:
        first = int(self._at[row])
        end = first
        size = 64
        while True:
            piece = self._bytes[first : first + size].tobytes()
            end = piece.find(b"\0")
            if end >= 0:
                return piece[:end].decode()
            size *= 4

    def _append(self, joined: NDArray[np.uint8]) -> None:
        needed = self._used + len(joined)
        if needed > len(self._bytes):
            larger = np.zeros(max(needed, 2 * len(self._bytes)), np.uint8)
            larger[: self._used] = self._bytes[: self._used]
            self._bytes = larger
        self._bytes[self._used : needed] = joined
        self._used = needed

    def _enter_all(self, rows: _Rows) -> None:
        self._table = np.zeros(max(64, 1 << (2 * len(rows) - 1).bit_length()), np.int32)
        self._gone = 0
        kernels_names.put_names(rows, self._bytes, self._at, self._table)


def _joined(names: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(("\0".join(names) + "\0").encode(), np.uint8)
