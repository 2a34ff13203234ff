"""Start one of our processes beside a test and stop it again."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from deploy.embedded.environment import CHECKOUT


@contextlib.contextmanager
def running(
    module: str, arguments: Sequence[str], *, variables: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run `python -m module` until the block ends; it must then stop within 10 s of SIGTERM."""
    kept = {n: v for n, v in os.environ.items() if n in ("PATH", "HOME", "NUMBA_CACHE_DIR", "VIRTUAL_ENV")}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**kept, **variables}, cwd=CHECKOUT, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
