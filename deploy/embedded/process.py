"""What the supervisor needs to know of a process, and the process once it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")

Probe = Callable[[], None]
"""Returns where the process serves; raises `core.errors.Unavailable` where it does not yet. Blocks 2 s at most."""


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of the stack.

    `command` is asked anew at each start. `ready` is tried until it returns and then as a sign of life every few
    seconds; where `beats`, the process's own heartbeat says how it is. `once`: it has to end well before what
    comes after it starts.
    """

    name: str
    title: str
    command: Callable[[], Sequence[str]]
    ready: Probe = _nothing
    before: Callable[[], None] = _nothing
    """Runs before each start, e.g. to make a folder; may raise ConfigError."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str | None = None
    once: bool = False
    beats: bool = False
    is_essential: bool = False
    """Without it there is no stack: where it cannot be started the first time, nothing is."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 5.0
    death_signal: signal.Signals = signal.SIGKILL
    """Sent by the kernel when the supervisor dies."""
    address: str = ""
    """Where it listens, for people; no secrets."""


class Child:
    """A running process, its own session and process group.

    Must be made by the main thread: the kernel signals the child when the *thread* that made it ends.
    """

    def __init__(self, spec: ProcessSpec, *, log: Path, environment: Mapping[str, str], cwd: Path) -> None:
        command = list(spec.command())
        with log.open("ab", buffering=0) as output:
            self._popen = subprocess.Popen(
                [
                    sys.executable, "-I", "-S", str(_GUARD),
                    str(os.getpid()), str(int(spec.death_signal)), spec.user or "-", "--", *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, **spec.environment},
                cwd=cwd,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """Return None while it runs; a negative number is the signal that ended it."""
        return self._popen.poll()

    def signal(self, number: signal.Signals) -> None:
        if self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def stop(self, number: signal.Signals) -> None:
        """Ask it to end; a process that is held is let go, or it could not hear."""
        self.signal(number)
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it and all of its group, and reap it."""
        self.sweep()
        self._popen.wait()

    def sweep(self) -> None:
        """Kill what is left of its group, also after it has ended itself."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def describe_exit(code: int) -> str:
    """Return `exit code 2` or `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
