"""POST to an address that a user has typed: bounded in time and size, no redirects, and no way into our own network.

A name is looked up once and the connection goes to the address that was checked, so a name that answers differently
the second time gains nothing. The URL is a secret (a Slack hook is a password): it is in no error and no log.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import httpcore

from agents.notifications.message import Refused
from core.errors import Unavailable

_TIMEOUT_S = 10.0
_MOST_ANSWER_BYTES = 2_000
_TRY_LATER = frozenset({408, 409, 425, 429})


class _Backend(httpcore.SyncBackend):
    """Connects to addresses of the public internet only, unless private ones are allowed."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__()
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return super().connect_tcp(self._checked(host, port), port, timeout, local_address, socket_options)

    def _checked(self, host: str, port: int) -> str:
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            raise Unavailable("the host name is not known") from None
        if not self._allow_private and not all(ipaddress.ip_address(address).is_global for address in found):
            raise Refused(
                "the address is in a private network; TAPEWATCH_NOTIFY_PRIVATE_ADDRESSES=true allows such ones"
            )
        return found[0]


class Post:
    """Threads may share it."""

    def __init__(self, *, allow_private: bool = False, timeout_s: float = _TIMEOUT_S) -> None:
        self._pool = httpcore.ConnectionPool(
            network_backend=_Backend(allow_private=allow_private), max_connections=20, max_keepalive_connections=0
        )
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """Send JSON; return the answer's status in words.

        Raises:
            Refused: not an http address, a private one, or an answer that will stay the same.
            Unavailable: no answer, or one that asks to come again.
        """
        check_url(url)
        named = {"Content-Type": "application/json", "User-Agent": "tapewatch", **(headers or {})}
        sent = [(name.encode(), value.encode()) for name, value in named.items()]
        try:
            with self._pool.stream(
                "POST", url, headers=sent, content=body, extensions={"timeout": self._timeouts}
            ) as response:
                _read_a_little(response)
                return _judged(response.status)
        except httpcore.TimeoutException:
            raise Unavailable("no answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Unavailable(f"no connection: {type(error).__name__}") from None


def check_url(url: str) -> None:
    """Raises: Refused: it is not an http(s) URL with a host."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Refused("the address is not an http or https URL")


def _judged(status: int) -> str:
    if 200 <= status < 300:
        return f"HTTP {status}"
    if status >= 500 or status in _TRY_LATER:
        raise Unavailable(f"HTTP {status}")
    raise Refused(f"HTTP {status}")


def _read_a_little(response: httpcore.Response) -> None:
    """Read the start of an answer and leave the rest: a receiver could send without end."""
    size = 0
    for part in response.iter_stream():
        size += len(part)
        if size > _MOST_ANSWER_BYTES:
            return
