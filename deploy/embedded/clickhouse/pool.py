"""Handles of the engine, lent to one request at a time, with the settings that the request asks for.

A handle remembers its settings, a request must not: before each one only the difference is set, and what the
last one asked for is put back to its default. A session keeps its handle (temporary tables live there) until
it has been idle for a minute.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from deploy.embedded.clickhouse.engine import Handle
from deploy.embedded.clickhouse.failure import (
    SESSION_IS_LOCKED,
    TOO_MANY_QUERIES,
    EngineError,
    failure,
)

DEFAULT_DATABASE = "default"
# Inserts are batched by their writers; the engine's own queue would delay each by up to 200 ms.
_BASE = {"async_insert": "0"}


@dataclass(slots=True)
class _Lent:
    handle: Handle
    settings: dict[str, str] = field(default_factory=dict[str, str])
    database: str = DEFAULT_DATABASE
    used_at_s: float = 0.0
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks of its handle. `session` empty: any handle will do."""

    settings: Mapping[str, str]
    database: str = ""
    """Empty: the default one; in a session, the one it is in."""
    session: str = ""
    leaves_traces: bool = False
    """The statement changes the handle itself (SET, USE): without a session it is not used again."""


class Pool:
    """At most `size` requests at once, and `sessions` kept handles."""

    def __init__(
        self, open_handle: Callable[[], Handle], *, size: int = 4, sessions: int = 64, wait_s: float = 30.0
    ) -> None:
        self._open = open_handle
        self._wait_s = wait_s
        self._permits = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Lent] = []
        self._sessions: dict[str, _Lent] = {}
        self._max_sessions = sessions
        self._closed = False

    @contextlib.contextmanager
    def lend(self, wanted: Wanted) -> Generator[Handle]:
        """Lend a handle set up as wanted.

        Raises:
            EngineError: all are busy for too long (a client may retry), the session is in use, or the engine
                refuses a setting or the database.
        """
        if not self._permits.acquire(timeout=self._wait_s):
            raise failure(TOO_MANY_QUERIES, "all handles are busy, try again", "TOO_MANY_SIMULTANEOUS_QUERIES")
        try:
            lent = self._take(wanted.session)
            sound = False
            try:
                _prepare(lent, wanted)
                yield lent.handle
                sound = True
            except EngineError as error:
                # Out of memory or worse: a fresh handle is the safer one. Plain refusals leave it sound.
                sound = error.code not in (49, 1002)
                raise
            finally:
                self._give_back(lent, wanted, sound=sound)
        finally:
            self._permits.release()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle = [*self._idle, *(s for s in self._sessions.values() if not s.busy)]
            self._idle.clear()
            self._sessions.clear()
        for lent in idle:
            lent.handle.close()

    def _take(self, session: str) -> _Lent:
        self._drop_idle_sessions()
        with self._lock:
            if session and (kept := self._sessions.get(session)):
                if kept.busy:
                    raise failure(SESSION_IS_LOCKED, f"session {session!r} is in use", "SESSION_IS_LOCKED")
                kept.busy = True
                return kept
            if not session and self._idle:
                return self._idle.pop()
        fresh = _Lent(self._open(), busy=True)
        for name, value in _BASE.items():
            fresh.handle.query(f"SET {name} = {value}")
        if session:
            with self._lock:
                self._sessions[session] = fresh
        return fresh

    def _give_back(self, lent: _Lent, wanted: Wanted, *, sound: bool) -> None:
        # A handle with `readonly` set refuses to unset it: it is spent.
        spent = not sound or "readonly" in wanted.settings or (wanted.leaves_traces and not wanted.session)
        with self._lock:
            lent.used_at_s = time.monotonic()
            lent.busy = False
            if wanted.leaves_traces:
                lent.database, lent.settings = "", dict.fromkeys(lent.settings, "")
            if self._closed:
                spent = True
            if spent and wanted.session:
                self._sessions.pop(wanted.session, None)
            if not spent and not wanted.session:
                self._idle.append(lent)
        if spent:
            lent.handle.close()

    def _drop_idle_sessions(self, idle_s: float = 60.0) -> None:
        now = time.monotonic()
        with self._lock:
            by_age = sorted((s for s in self._sessions.items() if not s[1].busy), key=lambda item: item[1].used_at_s)
            excess = max(0, len(self._sessions) - self._max_sessions)
            old = [name for i, (name, s) in enumerate(by_age) if i < excess or now - s.used_at_s > idle_s]
            dropped = [self._sessions.pop(name) for name in old]
        for lent in dropped:
            lent.handle.close()


def _prepare(lent: _Lent, wanted: Wanted) -> None:
    database = wanted.database or (lent.database if wanted.session else DEFAULT_DATABASE)
    # After a USE or SET inside a session its state is unknown (empty): whatever is asked for is set again.
    if database and lent.database != database:
        lent.handle.query(f"USE {quoted_name(database)}")
        lent.database = database
    for name in [n for n in lent.settings if n not in wanted.settings]:
        base = _BASE.get(name)
        lent.handle.query(f"SET {name} = {'DEFAULT' if base is None else base}")
        del lent.settings[name]
    # `readonly` comes last: after it nothing else may be set.
    for name, value in sorted(wanted.settings.items(), key=lambda item: item[0] == "readonly"):
        if lent.settings.get(name) != value:
            lent.handle.query(f"SET {name} = {quoted_text(value)}")
            lent.settings[name] = value


def quoted_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quoted_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
