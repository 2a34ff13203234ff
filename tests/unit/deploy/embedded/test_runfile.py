"""`run.json` is believed while the supervisor that wrote it lives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.embedded import runfile


def write(path: Path, *, pid: int, at_ms: int) -> None:
    runfile.write(
        path,
        runfile.Run(
            pid=pid, at_ms=at_ms, started_at_ms=at_ms, data_dir="", url="", feed="simulator", speed=1.0, ready=True,
            disk_bytes=0, ports={}, parts=[],
        ),
    )  # fmt: skip


def test_a_file_of_a_living_supervisor_says_what_runs(tmp_path: Path) -> None:
    write(tmp_path / "run.json", pid=os.getpid(), at_ms=time.time_ns() // 1_000_000)
    found = runfile.read(tmp_path / "run.json")
    assert found is not None
    assert found.pid == os.getpid()


def test_a_file_left_behind_by_a_dead_supervisor_says_that_nothing_runs(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    write(tmp_path / "run.json", pid=child.pid, at_ms=time.time_ns() // 1_000_000)
    assert runfile.read(tmp_path / "run.json") is None


def test_a_process_that_began_after_the_file_was_last_written_is_not_its_supervisor(tmp_path: Path) -> None:
    day_ms = 86_400_000
    write(tmp_path / "run.json", pid=os.getpid(), at_ms=time.time_ns() // 1_000_000 - 30 * day_ms)
    assert runfile.read(tmp_path / "run.json") is None


def test_no_file_says_that_nothing_runs(tmp_path: Path) -> None:
    assert runfile.read(tmp_path / "run.json") is None
