"""The part of ClickHouse's HTTP interface that its clients use."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit

from core.observability import logger
from deploy.embedded.clickhouse.body import compressed, read_body
from deploy.embedded.clickhouse.engine import DEFAULT_FORMAT, Answer
from deploy.embedded.clickhouse.failure import (
    AUTHENTICATION_FAILED,
    NOT_IMPLEMENTED,
    EngineError,
    failure,
    http_status,
)
from deploy.embedded.clickhouse.pool import Pool, Wanted
from deploy.embedded.clickhouse.request import Request, read_request, rows
from deploy.embedded.clickhouse.statement import first_word, output_format

_log = logger(__name__)
_IDLE_S = 300
_LEAVE_TRACES = frozenset({"SET", "USE"})


class Endpoint(ThreadingHTTPServer):
    """Serves until `shutdown`; `drain` then waits for the requests being answered."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, pool: Pool, *, secret: str, body_limit: int) -> None:
        self.pool = pool
        self.secret = secret
        self.body_limit = body_limit
        self._active = 0
        self._idle = threading.Condition()
        super().__init__((host, port), _Exchange)

    def enter(self) -> None:
        with self._idle:
            self._active += 1

    def leave(self) -> None:
        with self._idle:
            self._active -= 1
            self._idle.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Return whether all requests were answered in time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._active == 0, timeout_s)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of ours."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "tapewatch-clickhouse"
    timeout = _IDLE_S
    # Headers and body leave in one flush: apart they cost 40 ms each time (Nagle against delayed ACK).
    wbufsize = -1

    @property
    def _endpoint(self) -> Endpoint:
        return cast("Endpoint", self.server)

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._reply(200, b"Ok.\n", {})
        else:
            self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """No line for each request."""

    def _answer(self) -> None:
        self._endpoint.enter()
        try:
            self._exchange()
        finally:
            self._endpoint.leave()

    def _exchange(self) -> None:
        began_ns = time.perf_counter_ns()
        query_id = str(uuid.uuid4())
        try:
            body = self._body()
            self._authenticate()
            request = read_request(
                urlsplit(self.path).query,
                body,
                content_type=self.headers.get("Content-Type", ""),
                encoding=self.headers.get("Content-Encoding", "").strip().lower(),
            )
            query_id = request.query_id or query_id
            answer, name = self._run(request)
        except EngineError as error:
            if error.code not in (60, 81):
                _log.info("refused", code=error.code, reason=str(error)[:500])
            self._refuse(error, query_id)
            return
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Format": name,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": _summary(answer, time.perf_counter_ns() - began_ns),
        }
        data, encoding = compressed(answer.data, self.headers.get("Accept-Encoding", ""))
        if encoding:
            headers["Content-Encoding"] = encoding
        self._reply(200, data, headers, content_type=_content_type(name))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        try:
            return read_body(
                self.rfile,
                length=int(length) if length else None,
                chunked="chunked" in self.headers.get("Transfer-Encoding", "").lower(),
                limit=self._endpoint.body_limit,
            )
        except EngineError:
            self.close_connection = True  # the rest of the body is still on its way
            raise

    def _authenticate(self) -> None:
        given = self.headers.get("X-ClickHouse-Key", "")
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if not given and scheme.lower() == "basic":
            try:
                given = base64.b64decode(value).decode().partition(":")[2]
            except ValueError:
                given = ""
        if not hmac.compare_digest(given.encode(), self._endpoint.secret.encode()):
            raise failure(
                AUTHENTICATION_FAILED, "the password is not the one of this endpoint", "AUTHENTICATION_FAILED"
            )

    def _run(self, request: Request) -> tuple[Answer, str]:
        word = first_word(request.sql)
        name = output_format(request.sql) or request.default_format
        name = name or self.headers.get("X-ClickHouse-Format", "") or DEFAULT_FORMAT
        wanted = Wanted(request.settings, request.database, request.session, leaves_traces=word in _LEAVE_TRACES)
        with self._endpoint.pool.lend(wanted) as handle:
            if request.insert is None:
                return handle.query(request.sql, output=name, params=request.parameters), name
            if request.parameters:
                raise failure(NOT_IMPLEMENTED, "parameters in an insert with data", "NOT_IMPLEMENTED")
            return handle.insert(request.insert.sql, request.insert.data_format, rows(request, request.insert)), name

    def _refuse(self, error: EngineError, query_id: str) -> None:
        headers = {"X-ClickHouse-Exception-Code": str(error.code), "X-ClickHouse-Query-Id": query_id}
        text = str(error)
        if "(version " not in text:
            text += " (version 26.9, embedded)"
        self._reply(http_status(error.code), text.encode() + b"\n", headers)

    def _reply(
        self, status: int, data: bytes, headers: dict[str, str], *, content_type: str = "text/plain; charset=UTF-8"
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def _summary(answer: Answer, elapsed_ns: int) -> str:
    """Return the counts as ClickHouse does: a JSON object of strings."""
    counts = {
        "read_rows": answer.rows_read or answer.rows_written,
        "read_bytes": answer.bytes_read or answer.bytes_written,
        "written_rows": answer.rows_written,
        "written_bytes": answer.bytes_written,
        "result_rows": 0 if answer.rows_written else answer.rows_read,
        "elapsed_ns": elapsed_ns,
    }
    return json.dumps({name: str(count) for name, count in counts.items()})


def _content_type(format_name: str) -> str:
    if format_name.startswith("JSON"):
        return "application/json; charset=UTF-8"
    if format_name in ("TabSeparated", "TSV", "TabSeparatedWithNames", "TabSeparatedWithNamesAndTypes"):
        return "text/tab-separated-values; charset=UTF-8"
    return "text/csv; charset=UTF-8" if format_name.startswith("CSV") else "application/octet-stream"
