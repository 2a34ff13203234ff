"""One process of the stack under care: its state, its restarts, why it died."""

from __future__ import annotations

import enum
from concurrent.futures import Future
from dataclasses import dataclass

from core.heartbeat import Beat
from deploy.embedded.process import Child, ProcessSpec

LONG_ENOUGH_S = 20.0
_LOOP_DEATHS = 3
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 15.0
_WRONG_CONFIGURATION = 2


class Status(enum.StrEnum):
    PENDING = "pending"
    """Its turn has not come."""
    STARTING = "starting"
    UP = "up"
    SILENT = "silent"
    """It runs, and has stopped answering."""
    RESTARTING = "restarting"
    """It died and is started again after a pause."""
    CRASH_LOOP = "crash loop"
    """It dies again and again; it is still started, ever more rarely."""
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PartView:
    """What may be shown of a process."""

    name: str
    title: str
    status: Status
    pid: int
    restarts: int
    detail: str
    state: str
    """What it says of itself: ok, degraded, waiting, starting; empty where it does not beat."""
    since_ms: int
    log: str
    address: str
    memory_bytes: int

    @property
    def is_well(self) -> bool:
        return self.status in (Status.UP, Status.DONE) and self.state in ("", "ok")


@dataclass(slots=True)
class Part:
    """Times are of the monotonic clock, in seconds, except `since_ms`."""

    spec: ProcessSpec
    status: Status = Status.PENDING
    child: Child | None = None
    restarts: int = 0
    reason: str = ""
    """Why it is not up, in a sentence."""
    beat: Beat | None = None
    beat_at_s: float = 0.0
    started_at_s: float = 0.0
    answered_at_s: float = 0.0
    asked_at_s: float = 0.0
    due_at_s: float = 0.0
    since_ms: int = 0
    memory_bytes: int = 0
    probe: Future[str] | None = None
    deaths_in_a_row: int = 0

    @property
    def is_settled(self) -> bool:
        return self.status is Status.DONE if self.spec.once else self.status is Status.UP

    @property
    def runs(self) -> bool:
        return self.child is not None and self.status in (Status.STARTING, Status.UP, Status.SILENT)

    def died(self, exit_code: int, now_s: float) -> None:
        """Decide when it is started again: soon at first, ever later when it does not live long."""
        self.probe = None
        self.beat = None
        self.memory_bytes = 0
        lived_s = now_s - self.started_at_s
        self.deaths_in_a_row = 1 if lived_s > LONG_ENOUGH_S else self.deaths_in_a_row + 1
        wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (self.deaths_in_a_row - 1))
        if exit_code == _WRONG_CONFIGURATION:
            wait_s = _LONGEST_WAIT_S  # it will not mend itself
        looping = self.deaths_in_a_row >= _LOOP_DEATHS or exit_code == _WRONG_CONFIGURATION
        self.status = Status.CRASH_LOOP if looping else Status.RESTARTING
        self.due_at_s = now_s + wait_s
        self.restarts += 1

    def view(self, log: str) -> PartView:
        beat = self.beat if self.status is Status.UP else None
        detail = self.reason if self.status is not Status.UP else ""
        if beat is not None:
            detail = beat.detail
        # A process that keeps dying is not well in the second it lives.
        tries_again = self.status is Status.STARTING and self.deaths_in_a_row >= _LOOP_DEATHS
        return PartView(
            name=self.spec.name,
            title=self.spec.title,
            status=Status.CRASH_LOOP if tries_again else self.status,
            pid=self.child.pid if self.child and self.runs else 0,
            restarts=self.restarts,
            detail=detail,
            state=beat.state if beat else "",
            since_ms=self.since_ms,
            log=log,
            address=self.spec.address,
            memory_bytes=self.memory_bytes,
        )
