"""The leases this process holds: renewed by one thread, lost visibly."""

from __future__ import annotations

import os
import socket
import threading
from uuid import uuid4

from core.clock import Clock
from core.errors import Unavailable
from core.observability import logger
from core.store import executions
from core.store.postgres import Engine

_log = logger(__name__)


class Lease:
    """One execution's. `ended` is set when it is lost, or when the process is about to end."""

    def __init__(self, owner: str, renewed: float) -> None:
        self.owner = owner
        self.ended = threading.Event()
        self.renewed = renewed


class Leases:
    """A lease lives `lease_s` and is renewed three times in that time."""

    def __init__(self, engine: Engine, clock: Clock, *, lease_s: int) -> None:
        self._engine = engine
        self._clock = clock
        self.lease_s = lease_s
        self._held: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)

    def start(self) -> Leases:
        self._thread.start()
        return self

    def open(self) -> Lease:
        """Return a lease to be taken: its owner is nobody else's, and says which process it is."""
        lease = Lease(f"{machine()}/{os.getpid()}/{uuid4().hex}", self._clock.monotonic())
        with self._lock:
            self._held[lease.owner] = lease
        if self._closed.is_set():
            lease.ended.set()
        return lease

    def close(self, lease: Lease) -> None:
        with self._lock:
            self._held.pop(lease.owner, None)

    def count(self) -> int:
        with self._lock:
            return len(self._held)

    def end_all(self) -> None:
        """Tell every execution of this process to stop at the next chance."""
        self._closed.set()
        with self._lock:
            for lease in self._held.values():
                lease.ended.set()

    def release_all(self) -> None:
        """Give all leases back, so that another process goes on at once."""
        with self._lock:
            held = list(self._held)
        if held:
            with self._engine.begin() as tx:
                executions.release(tx, held)

    def take_over_dead(self) -> int:
        """Release leases of processes of this machine that no longer live; return how many."""
        with self._engine.begin() as tx:
            dead = [owner for owner in executions.owners(tx, machine() + "/") if not _lives(owner)]
            if dead:
                executions.release(tx, dead)
        return len(dead)

    def _renew(self) -> None:
        away = False
        while not self._closed.wait(self.lease_s / 3):
            with self._lock:
                held = dict(self._held)
            if not held:
                continue
            try:
                with self._engine.begin() as tx:
                    kept = executions.renew(tx, list(held), lease_s=self.lease_s)
                away = False
            except Unavailable:
                if not away:
                    _log.warning("leases cannot be renewed while Postgres is away")
                away = True
                kept = set[str]()
            self._judge(held, kept)

    def _judge(self, held: dict[str, Lease], kept: set[str]) -> None:
        now = self._clock.monotonic()
        for owner, lease in held.items():
            if owner in kept:
                lease.renewed = now
            elif now - lease.renewed > self.lease_s:
                # By now another may have taken it over: whatever this one still did would not be believed.
                lease.ended.set()


def machine() -> str:
    return socket.gethostname().replace("/", "-")


def _lives(owner: str) -> bool:
    """Return whether the process of an owner on this machine lives; a number used again only delays."""
    _, pid, _ = owner.split("/", 2)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
