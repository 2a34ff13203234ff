"""Receivers of notifications, on this machine: a web server that answers as it is told, and a real mail server."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.kit.processes import free_port


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """`status` is what it answers from now on; `hang` lets it answer nothing until it is set."""

    url: str = ""
    status: int = 200
    received: list[Received] = field(default_factory=list[Received])
    hang: threading.Event = field(default_factory=threading.Event)


@contextmanager
def web_receiver() -> Generator[Receiver]:
    found = Receiver()
    found.hang.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            found.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            found.hang.wait(30)
            self.send_response(found.status)
            if found.status == 302:
                self.send_header("Location", found.url + "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class MailServer:
    url: str
    refuse: str = ""
    """An SMTP reply such as `550 no such mailbox`; empty: every mail is taken."""
    mails: list[Mail] = field(default_factory=list[Mail])

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content))
        return "250 OK"


@contextmanager
def mail_server() -> Generator[MailServer]:
    port = free_port()
    found = MailServer(f"smtp://127.0.0.1:{port}")
    controller = Controller(found, hostname="127.0.0.1", port=port, ready_timeout=30)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
