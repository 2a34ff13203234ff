"""The ClickHouse endpoint as a process of the stack."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec
from deploy.embedded.readiness import http_answers

NAME = "clickhouse"


def clickhouse(port: int, folder: Path) -> ProcessSpec:
    """Return the endpoint; its password is in the environment, where a list of processes does not show it."""
    command = [sys.executable, "-m", "deploy.embedded.clickhouse", "--path", str(folder), "--port", str(port)]
    return ProcessSpec(
        name=NAME,
        title="ClickHouse (chDB)",
        command=lambda: command,
        ready=lambda: http_answers(f"http://{HOST}:{port}/ping"),
        environment={"TZ": "UTC"},
        is_essential=True,
        death_signal=signal.SIGTERM,
        address=f"http://{HOST}:{port}",
    )
