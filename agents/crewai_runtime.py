"""CrewAI, made fit for a server: nothing printed, asked, sent or written anywhere but to one private folder.

Each line here leans on a part of the pinned version and has a contract test. `prepare` must run before anything
of CrewAI is imported, `load` imports it (5 s, 256 MB): the worker does so once, at its start.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from crewai.events.event_bus import CrewAIEventsBus

_T = TypeVar("_T")

_FLAGS = {
    # Not OTEL_SDK_DISABLED, which would switch off our own traces too.
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    # On a terminal it would ask whether to show traces, and wait.
    "CREWAI_TESTING": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
}
# Would lead it to other servers than the configured ones.
_UNWANTED = ("REDIS_URL", "OPENAI_API_BASE", "OPENAI_BASE_URL", "OPENAI_MODEL_NAME", "OPENAI_API_KEY", "MODEL")
_LOCKS: dict[str, threading.RLock] = {}
_LOCKS_GUARD = threading.Lock()


def prepare(folder: Path) -> None:
    """Set the environment. `folder` becomes HOME: it writes a key and a settings file there, whatever one says."""
    home = folder.resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(_FLAGS, HOME=str(home), CREWAI_STORAGE_DIR=str(home / "storage"))
    for name in _UNWANTED:
        os.environ.pop(name, None)


def load(folder: Path) -> None:
    """Prepare, import, quieten; a second call does nothing new."""
    prepare(folder)
    with warnings.catch_warnings():
        # What its modules do to one another while they load is not ours to mend.
        warnings.simplefilter("ignore")
        _quieten()


def _quieten() -> None:
    import crewai.utilities.task_output_storage_handler as task_outputs
    from crewai.events import crewai_event_bus, event_context
    from crewai.events.event_listener import event_listener
    from crewai.utilities import file_store
    from crewai_core.lock_store import set_lock_backend

    # Panels are printed even with verbose=False on every agent and crew.
    event_listener.formatter.verbose = False
    quiet = event_context.MismatchBehavior.SILENT
    event_context._default_config.mismatch_behavior = quiet  # pyright: ignore[reportPrivateUsage]
    event_context._default_config.empty_pop_behavior = quiet  # pyright: ignore[reportPrivateUsage]
    # One SQLite file for all crews, wiped at each kickoff under a lock: rows of others included.
    setattr(task_outputs, "KickoffTaskOutputsSQLiteStorage", NoTaskOutputs)  # noqa: B010 - no such type to them
    # No crew of ours has files, and each look whether there are some would make an event loop: 22 a chain.
    setattr(file_store, "_file_store", None)  # noqa: B010
    setattr(file_store, "_run_sync", _without_loop)  # noqa: B010
    _silence(crewai_event_bus)
    set_lock_backend(_in_process_lock)
    logging.getLogger("crewai").setLevel(logging.ERROR)
    logging.getLogger("crewai_core").setLevel(logging.ERROR)


def _silence(bus: CrewAIEventsBus) -> None:
    """Take CrewAI's own listener off: it would only print and trace, on threads of its own, 50 times a chain."""
    for event, handlers in dict(bus._sync_handlers).items():  # pyright: ignore[reportPrivateUsage]
        for handler in handlers:
            bus.off(event, handler)


def _without_loop(work: Coroutine[None, None, _T]) -> _T:
    """Run what has nothing to wait for.

    Raises:
        RuntimeError: it waits after all.
    """
    try:
        work.send(None)
    except StopIteration as done:
        return cast("_T", done.value)
    work.close()
    raise RuntimeError("CrewAI's file store waits for something")


class NoTaskOutputs:
    """Keeps nothing, where CrewAI would keep the outputs of tasks in a file."""

    def __init__(self, *_args: object, **_kwargs: object) -> None: ...

    def add(self, *_args: object, **_kwargs: object) -> None: ...

    def update(self, *_args: object, **_kwargs: object) -> None: ...

    def load(self) -> list[object]:
        return []

    def delete_all(self) -> None: ...


@contextmanager
def _in_process_lock(name: str, *, timeout: float = 120) -> Generator[None]:
    """Lock among our threads; its own locks are files in the system's temp folder."""
    with _LOCKS_GUARD:
        lock = _LOCKS.setdefault(name, threading.RLock())
    if not lock.acquire(timeout=timeout):
        raise TimeoutError(f"lock {name!r} not free within {timeout} s")
    try:
        yield
    finally:
        lock.release()
