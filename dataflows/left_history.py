"""Candles that other processes left on disk: who takes over their partitions sends them.

A shard keeps the rows that ClickHouse has not taken in a folder named after it and the count of shards. With another
count nobody has that name any more; whoever comes finds the folder without an owner and takes what lies in it.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from core.errors import Unavailable
from core.observability import logger
from core.store.clickhouse.spill import move_batches

_log = logger(__name__)
_LOCK = "lock"


class HistoryFolder:
    """The folder of one shard. Not shared between threads."""

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self.path = root / name
        self._held: IO[bytes] | None = None

    def lock(self) -> None:
        """Take the folder for this process; the system frees it when we die.

        Raises:
            Unavailable: another process has it, or it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._held = _locked(self.path)
        except OSError as error:
            raise Unavailable(f"the data folder {str(self.path)!r} cannot be written: {error.strerror}") from None
        if self._held is None:
            raise Unavailable(f"another process writes the history of {self.path.name}")

    def unlock(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    def take_over(self) -> int:
        """Move what lies in folders that nobody owns into this one; return how many batches.

        To be called once, with the partitions locked: a process frees its folder before its partitions, so that of
        those that worked on ours all are free. A batch keeps its content and with it its token: no row comes twice.
        """
        moved = 0
        for folder in sorted(path for path in self._root.iterdir() if path.is_dir() and path != self.path):
            try:
                held = _locked(folder)
                if held is None:
                    continue
                with held:
                    moved += move_batches(folder, self.path)
            except OSError as error:
                _log.error("history of another process cannot be taken over", folder=folder.name, reason=error.strerror)
        if moved:
            _log.info("history that other processes left is sent by this one", batches=moved)
        return moved


def _locked(folder: Path) -> IO[bytes] | None:
    """Return the lock of a folder, None where another process has it.

    Raises:
        OSError: the folder cannot be written.
    """
    held = (folder / _LOCK).open("wb")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held
