"""Our own processes, started by a test and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

from core.settings import Settings
from deploy.embedded.environment import CHECKOUT
from tests.kit.stack import variables_of


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

    def stop(self, *, timeout_s: float = 5.0) -> int:
        """Ask it to end; return its exit code. One that does not end says where its threads are."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)
            self._process.wait(5)
            raise AssertionError(f"not stopped within {timeout_s} s: {self.output[-4000:]}") from None


@contextlib.contextmanager
def running(settings: Settings, arguments: Sequence[str], output: Path) -> Generator[RunningProcess]:
    """Run `python -m …` with these settings while the block lasts."""
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **variables_of(settings)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
        )
    try:
        yield RunningProcess(process, output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)
