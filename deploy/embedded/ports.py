"""Ports: chosen free at the first start, remembered, chosen again only when somebody else took one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil

from core.errors import ConfigError
from deploy.embedded.datadir import write_private

HOST = "127.0.0.1"


def choose(
    names: Sequence[str], remembered_in: Path, *, fixed: dict[str, int], preferred: dict[str, int]
) -> dict[str, int]:
    """Return a free port for each name: fixed, else the remembered one, else the preferred one, else any.

    Raises:
        ConfigError: a fixed port is in use; the text names it and, where it can be seen, by whom.
    """
    remembered = _read(remembered_in)
    chosen: dict[str, int] = {}
    with contextlib.ExitStack() as held:
        for name in names:
            if name in fixed:
                check_free(fixed[name], name)
                _hold(held, fixed[name])
                chosen[name] = fixed[name]
                continue
            wanted = (remembered.get(name), preferred.get(name), 0)
            chosen[name] = next(port for port in _free(held, wanted))
    write_private(remembered_in, msgspec.json.encode(remembered | chosen).decode())
    return chosen


def check_free(port: int, name: str) -> None:
    """Raises:
    ConfigError: the port is in use; the text names it and, where it can be seen, by whom.
    """
    with contextlib.ExitStack() as held:
        if not _hold(held, port):
            raise ConfigError(f"port {port} ({name}) is in use{_by_whom(port)}; choose another with --port")


def _free(held: contextlib.ExitStack, wanted: Sequence[int | None]) -> Iterator[int]:
    for port in wanted:
        if port is not None and (got := _hold(held, port)):
            yield got


def _hold(held: contextlib.ExitStack, port: int) -> int:
    """Bind until the stack unwinds, so that no two names get the same port; return it, or 0 where it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: a port whose last connections linger in TIME_WAIT counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1)
    except OSError:
        listener.close()
        return 0
    held.enter_context(listener)
    name: tuple[str, int] = listener.getsockname()
    return name[1]


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                return (
                    f" by {psutil.Process(connection.pid).name()} (process {connection.pid})" if connection.pid else ""
                )
    except (psutil.Error, OSError):
        return ""
    return ""


def _read(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError:
        # Only a convenience: chosen anew.
        return {}
