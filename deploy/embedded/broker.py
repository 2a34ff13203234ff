"""The Kafka broker of the embedded stack: `deploy.embedded.log`, which holds its log in memory.

What it holds is gone when it stops, so each start has a new cluster id: clients compare it and begin anew.
"""

from __future__ import annotations

import signal
import sys
import uuid

from core.settings import Settings
from core.wire.kafka import ensure_topics
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec

NAME = "broker"
_STORED_OF_MEMORY = 0.75
"""How much of the broker's memory are records; the rest is what holds them."""


def broker(port: int, settings: Settings) -> ProcessSpec:
    """Return the broker on a port. It counts as ready once it has the topics, after every start."""

    def command() -> list[str]:
        return [
            sys.executable, "-m", "deploy.embedded.log",
            "--host", HOST,
            "--port", str(port),
            "--cluster-id", f"embedded-{uuid.uuid4().hex[:12]}",
            "--limit-mb", str(round(_STORED_OF_MEMORY * settings.embedded_broker_mb)),
        ]  # fmt: skip

    return ProcessSpec(
        name=NAME,
        title="Kafka broker (in memory)",
        command=command,
        ready=lambda: ensure_topics(settings, timeout_s=2.0),
        is_essential=True,
        # It has nothing to save.
        stop_signal=signal.SIGKILL,
        address=f"{HOST}:{port}",
    )
