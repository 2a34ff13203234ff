from __future__ import annotations

import pytest

from core.observability import hide_secrets


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
