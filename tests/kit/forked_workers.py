"""Real Celery workers that begin at once: children of a process that has already imported what they need.

`python -m tests.kit.forked_workers` reads from each line of its input how long leases last and where the log goes,
forks a worker, and prints its process id. Nothing but imports happens before the fork: no thread, no connection.
It ends with its input, and its workers with it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from core.settings import Settings, load
from deploy.embedded.environment import CHECKOUT
from tests.kit.agents_world import WORKER
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

_IMPORTED = (
    "celery.apps.worker", "celery.bin.celery", "celery.concurrency.thread", "kombu.transport.redis",
    "agents.worker", "agents.worker_process", "agents.runner", "agents.warm",
)  # fmt: skip
"""What a worker imports when it starts."""


class ForkedWorker:
    def __init__(self, pid: int, output: Path) -> None:
        self.pid = pid
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def exit_code(self) -> int | None:
        """Return whether it has ended, as some code: its parent, who knows which, keeps it."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return -1
        return None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: self.exit_code is not None, timeout_s=10, what="the worker's death")


class ForkedWorkers:
    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._started = 0

    def start(self, *, lease_s: int = 120) -> ForkedWorker:
        """Start a worker.

        Args:
            lease_s: Long, so that an execution that a test holds is not begun by another thread meanwhile.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        output = self._folder / f"worker-{self._started}.log"
        self._started += 1
        self._process.stdin.write(f"{lease_s} {output}\n")
        self._process.stdin.flush()
        return ForkedWorker(int(self._process.stdout.readline()), output)


@contextlib.contextmanager
def forked_workers(settings: Settings, folder: Path) -> Generator[ForkedWorkers]:
    """Have workers of these settings forked while the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        env={**os.environ, **variables_of(settings)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
    ) as process:
        try:
            yield ForkedWorkers(process, folder)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def main() -> int:
    from agents import crewai_runtime

    settings = load()
    crewai_runtime.load(settings.data_dir / "crewai")
    for name in _IMPORTED:
        importlib.import_module(name)
    # The dead are nobody's business here: whoever asks sees that they are gone.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pids: list[int] = []
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            lease_s, _, output = line.strip().partition(" ")
            os.environ["TAPEWATCH_LEASE_SECONDS"] = lease_s
            _become_worker(Path(output), settings.worker_threads)
        pids.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return 0


def _become_worker(output: Path, threads: int) -> None:
    from celery.bin.celery import main as celery

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, end in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(number, end)
    sys.argv = [*WORKER[:4], "-P", "threads", "-c", str(threads), *WORKER[-2:]]
    sys.exit(celery())


if __name__ == "__main__":
    sys.exit(main())
