"""`python -m api` as a process: it starts whatever is away, refuses what cannot be, and stops when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.settings import Settings
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

NOWHERE = {
    "postgres_url": SecretStr("postgresql://a:hunter2@127.0.0.1:1/none"),
    "kafka_brokers": "127.0.0.1:1",
    "redis_url": SecretStr("redis://127.0.0.1:1/0"),
    "celery_broker_url": SecretStr("redis://127.0.0.1:1/1"),
    "clickhouse_url": "http://127.0.0.1:1",
    "demo_user": True,
    "demo_password": SecretStr("hunter2"),
    "log_format": "json",
}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _settings(folder: Path, port: int) -> Settings:
    return Settings.model_validate(
        {"session_secret": SecretStr("s" * 40), "api_port": port, "data_dir": folder, **NOWHERE}
    )


@contextmanager
def _running(settings: Settings, log: Path) -> Generator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            env={"PATH": os.environ["PATH"], **variables_of(settings)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def test_it_serves_while_everything_is_away_and_stops_within_three_seconds(tmp_path: Path) -> None:
    port, log = _free_port(), tmp_path / "log"
    with _running(_settings(tmp_path, port), log) as process:
        wait_until(lambda: _status(port, "/api/v1/ready") == 503, timeout_s=60, what="the API")
        assert _status(port, "/") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    lines = log.read_text()
    assert "Traceback" not in lines
    assert "hunter2" not in lines
    assert all(json.loads(line)["process"] == "api" for line in lines.splitlines())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"session_secret": SecretStr("short")}, "TAPEWATCH_SESSION_SECRET: found 5 characters"),
        ({"api_port": 0}, ""),
        ({"postgres_url": SecretStr("mysql://a:hunter2@b/c")}, "TAPEWATCH_POSTGRES_URL"),
    ],
    ids=["short secret", "occupied port", "wrong url"],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, change: dict[str, object], said: str) -> None:
    log = tmp_path / "log"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if "api_port" in change:
            change, said = {}, f"127.0.0.1:{port} cannot be opened: Address already in use"
        settings = _settings(tmp_path, port).model_copy(update=change)
        with _running(settings, log) as process:
            assert process.wait(timeout=60) == 2
    text = log.read_text()
    assert said in text
    assert "hunter2" not in text
    assert "Traceback" not in text
