"""Ready means that the protocol answers, not that the port is open. Each probe takes 2 s at most."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import psycopg
import redis

from core.errors import Unavailable

TIMEOUT_S = 2.0


def http_answers(url: str, *, ok: range = range(200, 300)) -> None:
    """Return when a GET answers with a status in `ok`.

    Raises:
        Unavailable: it does not (yet).
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"GET {parts.path}: {error}") from None
    finally:
        connection.close()
    if status not in ok:
        raise Unavailable(f"GET {parts.path}: status {status}")


def postgres_answers(url: str) -> None:
    """Raises:
    Unavailable: no session can be opened (yet).
    """
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL: {str(error).strip().splitlines()[0]}") from None


def redis_answers(url: str) -> None:
    """Raises:
    Unavailable: PING is not answered (yet; it says so while it loads its file).
    """
    client = redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        raise Unavailable(f"Redis: {error}") from None
    finally:
        client.close()
