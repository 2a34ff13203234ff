"""At which place of a partition's log each control and each news item took effect, so that a restart repeats it.

Trades, controls and news are topics of their own: read again after a crash, they would meet in another order than
the first time (T30, T31). One line is written before one takes effect; on restart it waits for the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from core.observability import logger

_log = logger(__name__)


Heard = tuple[Literal["triggers", "news"], int]
"""A topic other than that of the trades, and an offset in it."""


class _Line(msgspec.Struct, frozen=True):
    cluster_id: str
    control: int
    """Its offset, of whichever topic."""
    before: int
    """Offset of the trade record that it took effect before."""
    topic: Literal["triggers", "news"] = "triggers"


class Journal:
    """Lines of one partition since its last checkpoint. Written by the flow's thread, trimmed by another.

    The file is flushed to the operating system at each line: it outlives the process, not the machine.
    """

    def __init__(self, path: Path, cluster_id: str) -> None:
        self._path = path
        self.cluster_id = cluster_id
        self._lines: dict[Heard, int] = {}
        self._lock = threading.Lock()

    def read(self) -> Mapping[Heard, int]:
        """Return what was heard → trade offset of this log, in the order of effect; what cannot be read is left out."""
        if not self._path.exists():
            return {}
        for data in self._path.read_bytes().splitlines():
            try:
                line = msgspec.json.decode(data, type=_Line)
            except msgspec.MsgspecError:
                _log.warning("a torn journal line is left out", path=self._path.name)
                continue
            if line.cluster_id == self.cluster_id:
                heard = (line.topic, line.control)
                self._lines.pop(heard, None)  # the last line says the order too
                self._lines[heard] = line.before
        return dict(self._lines)

    def add(self, heard: Heard, *, before: int) -> None:
        if self._lines.get(heard) == before:
            return
        with self._lock, self._path.open("ab") as file:
            self._lines.pop(heard, None)
            self._lines[heard] = before
            file.write(self._encoded(heard, before))

    def trim(self, *, control: int | None, news: int | None) -> None:
        """Forget controls and news before these offsets: a checkpoint holds their effect. None keeps them all."""
        first = {"triggers": control or 0, "news": news or 0}
        with self._lock:
            kept = {heard: before for heard, before in self._lines.items() if heard[1] >= first[heard[0]]}
            if kept == self._lines:
                return
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(b"".join(self._encoded(heard, before) for heard, before in kept.items()))
            fresh.replace(self._path)
            self._lines = kept

    def _encoded(self, heard: Heard, before: int) -> bytes:
        topic, offset = heard
        return msgspec.json.encode(_Line(self.cluster_id, offset, before, topic)) + b"\n"
