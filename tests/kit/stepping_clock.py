"""A wall clock that steps, for processes of ours that a test starts.

`SteppingClock` makes a folder for PYTHONPATH. A Python process that has it there reads the machine's wall clock
(`time.time`, `time.time_ns`, and so `core.clock.SystemClock`) moved by what the folder says at that moment, as after a
step of the machine's own. The monotonic clock goes on, as it does then. PostgreSQL, Valkey, ClickHouse and the broker
keep the machine's clock: they are the neighbours that disagree with us.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_NANOSECONDS = struct.Struct("<q")


class SteppingClock:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._file, self._folder = folder / "offset", folder
        self._file.write_bytes(_NANOSECONDS.pack(0))
        lines = ("from tests.kit.stepping_clock import install", f"install({str(self._file)!r})", "")
        (folder / "sitecustomize.py").write_text("\n".join(lines))

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process needs in its environment."""
        before = os.environ.get("PYTHONPATH", "")
        return {"PYTHONPATH": os.pathsep.join([str(self._folder), str(_CHECKOUT), *([before] if before else [])])}

    def step_to(self, offset_s: float) -> None:
        """Let the clock be so far ahead of the machine's, from now on; below zero it is behind."""
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), _NANOSECONDS.size) as shared:
            _NANOSECONDS.pack_into(shared, 0, round(offset_s * 1e9))


def install(file: str) -> None:
    """Move this process's wall clock by the nanoseconds in a file, whenever it is read."""
    with Path(file).open("r+b") as opened:
        shared = mmap.mmap(opened.fileno(), _NANOSECONDS.size)
    machine_ns = time.time_ns

    def time_ns() -> int:
        return machine_ns() + _NANOSECONDS.unpack_from(shared, 0)[0]

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9
