"""At which place of a partition's log each control record took effect, so that a restart repeats it (T30, T31).

Trades and controls are two topics: read again after a crash, they would meet in another order than the first
time. One line is written before a control takes effect; on restart it waits for the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.observability import logger

_log = logger(__name__)


class _Line(msgspec.Struct, frozen=True):
    cluster_id: str
    control: int
    before: int
    """Offset of the trade record that the control took effect before."""


class Journal:
    """Lines of one partition since its last checkpoint. Written by the flow's thread, trimmed by another.

    The file is flushed to the operating system at each line: it outlives the process, not the machine.
    """

    def __init__(self, path: Path, cluster_id: str) -> None:
        self._path = path
        self.cluster_id = cluster_id
        self._lines: dict[int, int] = {}
        self._lock = threading.Lock()

    def read(self) -> Mapping[int, int]:
        """Return control offset → trade offset of this log, what cannot be read left out."""
        if not self._path.exists():
            return {}
        for data in self._path.read_bytes().splitlines():
            try:
                line = msgspec.json.decode(data, type=_Line)
            except msgspec.MsgspecError:
                _log.warning("a torn journal line is left out", path=self._path.name)
                continue
            if line.cluster_id == self.cluster_id:
                self._lines[line.control] = line.before
        return dict(self._lines)

    def add(self, control: int, *, before: int) -> None:
        if self._lines.get(control) == before:
            return
        with self._lock, self._path.open("ab") as file:
            self._lines[control] = before
            file.write(self._encoded(control, before))

    def trim(self, control: int) -> None:
        """Forget the controls before an offset: a checkpoint holds their effect."""
        with self._lock:
            kept = {c: b for c, b in self._lines.items() if c >= control}
            if kept == self._lines:
                return
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(b"".join(self._encoded(c, b) for c, b in kept.items()))
            fresh.replace(self._path)
            self._lines = kept

    def _encoded(self, control: int, before: int) -> bytes:
        return msgspec.json.encode(_Line(self.cluster_id, control, before)) + b"\n"
