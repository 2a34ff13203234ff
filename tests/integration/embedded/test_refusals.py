"""What cannot work is refused with a clear line, a code, and nothing half-written."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigError
from deploy.embedded.datadir import DataDir, claim
from deploy.embedded.environment import CHECKOUT
from deploy.embedded.postgres import Postgres, check_reachable
from tests.kit.stack import RunningStack, reachable_folder


def tapewatch(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=60, env=env)


def test_an_occupied_port_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        done = tapewatch("up", "--no-web", "--port", str(port), "--data-dir", str(folder))
    assert done.returncode == 2
    assert f"port {port} (api) is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not folder.exists()


def test_a_second_stack_on_the_same_folder_is_refused_and_the_first_named(stack: RunningStack) -> None:
    done = tapewatch("up", "--no-web", "--data-dir", str(stack.directory.root))
    assert done.returncode == 2
    assert f"in use by another tapewatch (process {stack.process.pid})" in done.stderr
    assert stack.run().ready


def test_a_folder_that_cannot_be_written_is_named() -> None:
    done = tapewatch("up", "--no-web", "--data-dir", "/sys/tapewatch")
    assert done.returncode == 2
    assert "'/sys/tapewatch' cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_in_place_of_the_folder_is_named() -> None:
    with reachable_folder() as folder:
        (folder / "data").write_text("x")
        done = tapewatch("up", "--no-web", "--data-dir", str(folder / "data"))
    assert done.returncode == 2
    assert "there is a file of that name" in done.stderr


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"MB are free, 1000000000000 MB are needed"):
        claim(DataDir(tmp_path / "data"), needed_bytes=10**18)
    assert not (tmp_path / "data").exists()


def test_a_missing_page_says_how_to_build_it(tmp_path: Path) -> None:
    done = tapewatch(
        "up", "--data-dir", str(tmp_path / "data"), env={"PATH": "/usr/bin:/bin", "TAPEWATCH_WEB_DIR": str(tmp_path)}
    )
    assert done.returncode == 2
    assert "make setup" in done.stderr
    assert "--no-web" in done.stderr


def test_finnhub_without_a_key_says_which_variable(tmp_path: Path) -> None:
    done = tapewatch(
        "up", "--no-web", "--feed", "finnhub", "--data-dir", str(tmp_path / "data"), env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 2
    assert "TAPEWATCH_FINNHUB_API_KEY is not set" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_is_named_before_anything_starts(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "TAPEWATCH_WORKER_THREADS": "many"}
    done = tapewatch("up", "--no-web", "--data-dir", str(tmp_path / "data"), env=env)
    assert done.returncode == 2
    assert "TAPEWATCH_WORKER_THREADS" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_postgres_may_not_enter_is_named() -> None:
    with reachable_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(ConfigError, match=r"may not enter .*closed' \(mode 0700\)"):
            check_reachable(closed / "data", "nobody" if closed.owner() != "nobody" else "root")
        assert Postgres(1, closed, "p@ss/word").url() == "postgresql://postgres:p%40ss%2Fword@127.0.0.1:1/tapewatch"
