"""A gate in front of Postgres: it numbers the commits of each execution, and holds the one it was told to.

It passes bytes on between clients and the server (protocol 3, without TLS), and reads what the clients say. A
transaction that writes belongs to the one whose ids its messages contain. A commit held `before` has not reached the
server: whoever dies then has written nothing. One held `after` is done, and the client does not know. A transaction
whose statements touched no row is no commit: it changes nothing, and who asks in vain for what another holds makes one.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Side = Literal["before", "after"]
_COMMIT = b"COMMIT\0"
_NO_TLS = {80877103, 80877104}
_WRITES = re.compile(rb"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")
_TOUCHED = re.compile(rb"^(?:INSERT 0|UPDATE|DELETE|MERGE) (\d+)\0$")
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Commit:
    """The n-th commit of an owner, from 1, and what its transaction wrote: 'INSERT orders, UPDATE trades'."""

    number: int
    wrote: str


@dataclass(slots=True)
class _Transaction:
    owner: str = ""
    wrote: list[str] = field(default_factory=list[str])
    rows: int = 0
    """How many rows the server says were touched."""


@dataclass(slots=True)
class _Link:
    """One client and its connection to the server."""

    client: socket.socket
    server: socket.socket
    statements: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    transaction: _Transaction = field(default_factory=_Transaction)
    mute: threading.Event = field(default_factory=threading.Event)
    """Set when the next answer is the one to be held."""
    waiting_for: tuple[str, int] | None = None

    def cut(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class CommitGate:
    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._lock = threading.Lock()
        self._owners: dict[bytes, str] = {}
        self._places: dict[tuple[str, int], Side] = {}
        self._links: list[_Link] = []
        self._released = threading.Event()
        self.commits: dict[str, list[Commit]] = {}
        self.unowned: list[str] = []
        """What transactions wrote that contain nobody's id."""
        self.held: set[str] = set()
        """Owners one of whose commits is held now."""

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def start(self) -> CommitGate:
        threading.Thread(target=self._accept, name="commit-gate", daemon=True).start()
        return self

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def own(self, owner: str, ids: Iterable[UUID]) -> None:
        """Say by which ids the transactions of an owner are known."""
        with self._lock:
            self.commits[owner] = []
            for each in ids:
                for written in (str(each).encode(), each.hex.encode(), each.bytes):
                    self._owners[written] = owner

    def hold(self, owner: str, number: int, side: Side) -> None:
        """Hold an owner's n-th commit from now on, from 1; once."""
        with self._lock:
            self._places[owner, len(self.commits[owner]) + number] = side

    def cut(self) -> None:
        """Cut all connections, as the death of either end does, and hold nothing any more."""
        with self._lock:
            links, self._links = self._links, []
            self._places.clear()
            self.held.clear()
            released, self._released = self._released, threading.Event()
        for link in links:
            link.cut()
        released.set()

    def open(self) -> None:
        """Let what is held go on as if nothing had been."""
        with self._lock:
            self._places.clear()
            self.held.clear()
            released, self._released = self._released, threading.Event()
        released.set()

    # ---- the wire -------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._upstream, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client, server)
            with self._lock:
                self._links.append(link)
            for pump in (self._from_client, self._from_server):
                threading.Thread(target=self._pump, args=(pump, link), daemon=True).start()

    def _pump(self, pump: object, link: _Link) -> None:
        assert callable(pump)
        with contextlib.suppress(OSError, EOFError):
            pump(link)
        link.cut()
        with self._lock, contextlib.suppress(ValueError):
            self._links.remove(link)

    def _from_client(self, link: _Link) -> None:
        while True:
            (length,) = struct.unpack("!I", head := _exactly(link.client, 4))
            body = _exactly(link.client, length - 4)
            if int.from_bytes(body[:4]) not in _NO_TLS:
                break
            link.client.sendall(b"N")
        link.server.sendall(head + body)
        pending = bytearray()
        while data := link.client.recv(_CHUNK):
            pending += data
            for message in _messages(pending):
                self._said(link, message[:1], message[5:])
                link.server.sendall(message)

    def _from_server(self, link: _Link) -> None:
        pending = bytearray()
        while data := link.server.recv(_CHUNK):
            pending += data
            for message in _messages(pending):
                if message[:1] == b"C" and (touched := _TOUCHED.match(message[5:])):
                    link.transaction.rows += int(touched[1])
            if link.mute.is_set() and link.waiting_for is not None:
                self._wait(link, link.waiting_for[0])
                link.mute.clear()
            link.client.sendall(data)

    def _said(self, link: _Link, kind: bytes, body: bytes) -> None:
        """Take note of a client's message; does not return while a commit is to be held before it."""
        transaction = link.transaction
        if kind == b"P":
            name, query, _ = body.split(b"\0", 2)
            link.statements[name] = query
        elif kind == b"B":
            _, name, rest = body.split(b"\0", 2)
            query = link.statements.get(name, b"")
            if found := _WRITES.match(query):
                transaction.wrote.append(f"{found[1].split()[0].decode()} {found[2].decode()}")
            if not transaction.owner:
                transaction.owner = self._owner_of(rest)
        elif kind == b"Q" and body in (_COMMIT, b"ROLLBACK\0"):
            link.transaction = _Transaction()
            if body == _COMMIT and transaction.rows:
                self._commit(link, transaction)

    def _owner_of(self, text: bytes) -> str:
        with self._lock:
            return next((owner for key, owner in self._owners.items() if key in text), "")

    def _commit(self, link: _Link, transaction: _Transaction) -> None:
        wrote, owner = ", ".join(transaction.wrote), transaction.owner
        with self._lock:
            if not owner:
                self.unowned.append(wrote)
                return
            commits = self.commits[owner]
            commits.append(Commit(len(commits) + 1, wrote))
            place = (owner, len(commits))
            side = self._places.pop(place, None)
        if side == "after":
            link.waiting_for = place
            link.mute.set()
        elif side == "before":
            self._wait(link, owner)

    def _wait(self, link: _Link, owner: str) -> None:
        """Hold this direction of a connection until the gate is opened.

        Raises:
            EOFError: the connections were cut instead.
        """
        with self._lock:
            self.held.add(owner)
            released = self._released
        released.wait()
        with self._lock:
            if link not in self._links:
                raise EOFError


def _messages(pending: bytearray) -> Iterator[bytes]:
    """Take the whole messages out of what was received: a kind, a length that counts itself, a body."""
    while len(pending) >= 5 and len(pending) >= (end := 1 + int.from_bytes(pending[1:5])):
        message = bytes(pending[:end])
        del pending[:end]
        yield message


def _exactly(end: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = end.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
