"""Small processes that stand in for ours where only the supervisor's care is tested."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.heartbeat import Beat
from deploy.embedded.datadir import DataDir
from deploy.embedded.environment import inherited
from deploy.embedded.part import PartView
from deploy.embedded.process import ProcessSpec
from deploy.embedded.supervisor import Plan, StackFailed, Supervisor

SLEEPER = "import time\nwhile True: time.sleep(1)"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
PARENT = (
    "import subprocess, sys, time\n"
    f"print(subprocess.Popen([sys.executable, '-c', {SLEEPER!r}]).pid, flush=True)\n"
    "while True: time.sleep(1)"
)


def standin(name: str, program: str = SLEEPER, **changes: object) -> ProcessSpec:
    """Return a process that runs a Python program."""
    command = [sys.executable, "-I", "-S", "-c", program]
    return ProcessSpec(name=name, title=name, command=lambda: command, **changes)  # pyright: ignore[reportArgumentType]


@dataclass(slots=True)
class Notes:
    """An observer that remembers."""

    changes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    said: list[str] = field(default_factory=list[str])
    is_ready: bool = False
    latest: dict[str, PartView] = field(default_factory=dict[str, PartView])

    def changed(self, part: PartView) -> None:
        self.changes.append((part.name, str(part.status)))
        self.latest[part.name] = part

    def happened(self, text: str) -> None:
        self.said.append(text)

    def ready(self, parts: Sequence[PartView]) -> None:
        self.is_ready = True
        self.looked(parts)

    def looked(self, parts: Sequence[PartView]) -> None:
        self.latest = {part.name: part for part in parts}


@dataclass(slots=True)
class Beats:
    """Heartbeats as a test wants them."""

    now: dict[str, Beat] = field(default_factory=dict[str, Beat])

    def __call__(self) -> Mapping[str, Beat]:
        return dict(self.now)

    def beat(self, name: str, pid: int, at_ms: int, **numbers: float) -> None:
        self.now[name] = Beat(process=name, pid=pid, at_ms=at_ms, state="ok", numbers=numbers)


@dataclass(slots=True)
class Care:
    """A supervisor at work in a thread of its own."""

    supervisor: Supervisor
    notes: Notes
    beats: Beats
    thread: threading.Thread
    failed: list[StackFailed]

    def view(self, name: str) -> PartView:
        return next(view for view in self.supervisor.views() if view.name == name)


@contextlib.contextmanager
def care(folder: Path, *stages: tuple[ProcessSpec, ...]) -> Generator[Care]:
    """Run a supervisor over stand-ins; at the end it is stopped and its thread has ended."""
    directory = DataDir(folder)
    directory.logs.mkdir(exist_ok=True)
    notes, beats, failed = Notes(), Beats(), list[StackFailed]()
    plan = Plan(stages=stages, environment=inherited(), cwd=folder, beats=beats)
    supervisor = Supervisor(plan, directory, notes)

    def run() -> None:
        try:
            supervisor.run()
        except StackFailed as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="supervisor")
    thread.start()
    try:
        yield Care(supervisor, notes, beats, thread, failed)
    finally:
        supervisor.request_stop()
        thread.join(timeout=30)
        assert not thread.is_alive(), "the supervisor did not stop"
