"""Loaded by Python itself before all else where this folder is on PYTHONPATH: it notes what a process reaches for.

A connection or a name that is not in GUARD_ALLOWED (host:port, comma-separated) is refused; a file that is opened for
writing outside GUARD_FOLDERS, a question on the console and a program that is started are noted. One line each goes to
GUARD_LOG. What C libraries connect to raises no audit event: a test looks at the process's sockets beside.
"""

from __future__ import annotations

import os
import socket
import sys

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ASKED = ("file", "uname")
"""Programs by which Python's `platform` tells what machine this is."""
_LOG = os.open(os.environ["GUARD_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_ALLOWED = frozenset(os.environ["GUARD_ALLOWED"].split(","))
_HOSTS = frozenset(place.rpartition(":")[0] for place in _ALLOWED) | {"localhost"}
_FOLDERS = tuple(os.path.realpath(folder) for folder in os.environ["GUARD_FOLDERS"].split(","))


def _look(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        _connects(args[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        if host is not None and host not in _HOSTS and host != socket.gethostname():
            _note(f"name {host}")
            raise PermissionError(f"the name {host} is none of the configured ones")
    elif event == "open":
        _opens(args[0], args[2])
    elif event in ("os.rename", "os.mkdir", "os.remove", "os.link", "os.symlink"):
        _changes(event, args[1] if event in ("os.rename", "os.link", "os.symlink") else args[0])
    elif event in ("builtins.input", "os.system", "os.posix_spawn", "os.exec"):
        _note(f"{event} {args[0]!r}")
    elif event == "subprocess.Popen" and args[0] not in _ASKED:
        _note(f"{event} {args[1]!r}")


def _connects(address: object) -> None:
    place = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
    if place not in _ALLOWED:
        _note(f"connection {place}")
        raise PermissionError(f"{place} is none of the configured services")


def _opens(path: object, flags: object) -> None:
    if isinstance(flags, int) and flags & _WRITING:
        _changes("open", path)


def _changes(event: str, path: object) -> None:
    if not isinstance(path, str | bytes):
        # A descriptor that is open already.
        return
    where = os.path.realpath(os.fsdecode(path))
    if where != os.devnull and not where.startswith(_FOLDERS):
        _note(f"{event} {where}")


def _note(text: str) -> None:
    os.write(_LOG, f"{text}\n".encode())


sys.addaudithook(_look)
