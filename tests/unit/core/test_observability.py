from __future__ import annotations

import subprocess
import sys

import pytest

from core.observability import hide_secrets
from tests.kit.processes import free_port

_SERVED = """
import sys, urllib.request
from core import observability
from core.settings import Settings
port = int(sys.argv[1])
observability.start("shard", Settings(metrics_port=port, metrics_address="127.0.0.1"), nth=1)
observability.start("other", Settings(metrics_port=port + 1, metrics_address="127.0.0.1"))
print(urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/metrics").status)
"""


def test_a_shard_serves_its_metrics_beside_its_neighbours_and_a_taken_port_ends_nobody() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _SERVED, str(free_port() - 1)], capture_output=True, text=True, timeout=120, check=True
    )
    said = ran.stdout.splitlines()
    assert said[-1] == "200"
    assert ["no metrics" in line for line in said] == [True, False]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wss://ws.finnhub.io?token=abc123", "wss://ws.finnhub.io?token=***"),
        ("GET /quote?symbol=AAPL&token=abc HTTP/1.1", "GET /quote?symbol=AAPL&token=*** HTTP/1.1"),
        ("postgresql://me:pw@host/db is away", "postgresql://me:***@host/db is away"),
        ("redis://:pw@host:6379/0", "redis://:***@host:6379/0"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_a_secret_in_a_url_never_reaches_a_log_line(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown
