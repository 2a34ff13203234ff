"""States for a checkpoint, taken and written by a child: a copy of our memory as it is now, which costs us a fork.

Taking the state of a hundred thousand triggers holds the interpreter for seconds; a thread would stall the flow as
long. The child sees memory as it was at the fork (the system copies a page when one of us writes to it), writes
files that nobody reads yet, and ends without any of our own ending. It touches no thread, lock or connection of
ours: none of its parent's threads exist in it.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.observability import logger
from dataflows.checkpoint import Extent

_log = logger(__name__)

_NICE = 10
_MOST_FILES = 65_536
_SHARE = 0.25
_LOOK_S = 0.01
_MOST_S = 120.0
"""A child that takes longer hangs: a hundred thousand triggers take some ten seconds on a busy machine."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(slots=True)
class ChildDraft:
    """States that a child is writing, to `files` by partition. `wait` and `discard` belong to one thread."""

    pid: int
    extents: Sequence[Extent]
    files: dict[int, Path]
    ended: Callable[[], None]
    is_overdue: Callable[[], bool]
    _code: int | None = None

    def wait(self, stopped: threading.Event) -> bool:
        """Return whether all files are there, whole; not once we are told to stop, or it has hung for too long."""
        while self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._note(os.waitstatus_to_exitcode(status))
            elif self.is_overdue():
                _log.error("the process that writes a checkpoint hangs, and is ended", pid=self.pid)
                self.discard()
            elif stopped.wait(_LOOK_S):
                self.discard()
        return self._code == 0

    def discard(self) -> None:
        """End the child; what it wrote is nothing."""
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self._note(-signal.SIGKILL)

    def _note(self, code: int) -> None:
        self._code = code
        self.ended()


class Offspring:
    """At most one child at a time, and none while the last one's work is not paid for: a quarter of the time."""

    def __init__(self, files: dict[int, Path], clock: Clock, *, most_s: float = _MOST_S) -> None:
        """Args:
        files: Where the state of each partition is written, not yet in its place.
        most_s: A child that has not ended by then hangs, and is ended.
        """
        self.hung = 0
        self._most_s = most_s
        self._files = files
        self._clock = clock
        self._began = 0.0
        self._is_busy = False
        self._next = clock.monotonic()

    @property
    def is_free(self) -> bool:
        return not self._is_busy and self._clock.monotonic() >= self._next

    def begin(self, extents: Sequence[Extent], write: Callable[[int, Path], None]) -> ChildDraft:
        """Fork; the child calls `write` for each partition and ends."""
        self._is_busy, self._began = True, self._clock.monotonic()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._work(parent, extents, write)
        return ChildDraft(pid, extents, self._files, self._ended, self._is_overdue)

    def _work(self, parent: int, extents: Sequence[Extent], write: Callable[[int, Path], None]) -> None:
        code = 1
        try:
            _end_with(parent)
            gc.disable()  # a collection would touch, and so copy, every page
            # Locks on files and ports are the parent's alone: it may die, and its successor wants them.
            os.closerange(3, _MOST_FILES)
            os.nice(_NICE)
            for extent in extents:
                write(extent.partition, self._files[extent.partition])
            code = 0
        finally:
            os._exit(code)

    def _is_overdue(self) -> bool:
        is_overdue = self._clock.monotonic() - self._began > self._most_s
        self.hung += is_overdue
        return is_overdue

    def _ended(self) -> None:
        now = self._clock.monotonic()
        self._is_busy, self._next = False, now + (now - self._began) * (1 / _SHARE - 1)


def _end_with(parent: int) -> None:
    """Have the system end us when our parent dies: its successor writes the same files."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
