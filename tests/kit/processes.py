"""Our own processes, started by a test and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from core.settings import Settings
from deploy.embedded.environment import CHECKOUT
from tests.kit.stack import variables_of

_STOP_S = 10.0


class RunningProcess:
    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def kill(self) -> None:
        """End it as the system would, without a chance to save anything."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wait(self, timeout_s: float) -> int:
        """Wait for an end of its own; return the exit code."""
        return self._process.wait(timeout_s)

    def stop(self, *, timeout_s: float = _STOP_S) -> int:
        """Ask it to end; return its exit code. One that does not end says where its threads are."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            self._process.wait(5)
            raise AssertionError(f"not stopped within {timeout_s} s: {self.output[-4000:]}") from None


@contextlib.contextmanager
def running(
    settings: Settings | Mapping[str, str], arguments: Sequence[str], output: Path
) -> Generator[RunningProcess]:
    """Run `python -m …` while the block lasts; what the block leaves running must stop when asked to.

    Args:
        settings: Those it loads, or its own variables beside the few that every process needs.
    """
    if isinstance(settings, Settings):
        variables = {**os.environ, **variables_of(settings)}
    else:
        needed = ("PATH", "HOME", "NUMBA_CACHE_DIR", "VIRTUAL_ENV")
        variables = {**{n: v for n, v in os.environ.items() if n in needed}, **settings}
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**variables, "PYTHONFAULTHANDLER": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
        )
    running_process = RunningProcess(process, output)
    try:
        yield running_process
        if process.poll() is None:
            running_process.stop()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
