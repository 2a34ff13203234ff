"""A small API on a real socket: login with cookies, pipelines in a dict."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit

Stored = dict[str, object]
PASSWORD = "abcd-efgh"


class FakeApi:
    def __init__(self, port: int) -> None:
        self.port = port
        self.pipelines: dict[str, Stored] = {}
        self.calls: list[str] = []

    def answer(self, method: str, target: str, body: dict[str, object]) -> tuple[int, object]:
        self.calls.append(f"{method} {target}")
        parts = urlsplit(target).path.removeprefix("/api/v1").strip("/").split("/")
        match method, parts:
            case "GET", ["pipelines"]:
                return 200, {"items": list(self.pipelines.values()), "next_cursor": None}
            case "POST", ["pipelines"]:
                return 201, self._store(body, 1)
            case "GET", ["pipelines", pipeline_id] if pipeline_id in self.pipelines:
                return 200, self.pipelines[pipeline_id]
            case "PUT", ["pipelines", pipeline_id] if pipeline_id in self.pipelines:
                return 200, self._store(body, int(str(self.pipelines[pipeline_id]["version"])) + 1)
            case "POST", ["pipelines", pipeline_id, verb] if pipeline_id in self.pipelines:
                self.pipelines[pipeline_id]["state"] = {"pause": "paused", "resume": "active"}[verb]
                return 200, self.pipelines[pipeline_id]
            case _:
                return 404, {"detail": "no such pipeline"}

    def _store(self, body: dict[str, object], version: int) -> Stored:
        config = cast("dict[str, object]", body["config"])
        stored: Stored = {
            "id": config["id"],
            "name": config["name"],
            "symbols": [config["symbol"]],
            "state": body.get("state", "draft"),
            "version": version,
            "trigger_version": 1,
            "trigger_words": "fires",
            "executions": 0,
            "config": config,
            "lint": [],
        }
        self.pipelines[str(config["id"])] = stored
        return stored


@contextmanager
def serving() -> Generator[FakeApi]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body: dict[str, object] = json.loads(self.rfile.read(length)) if length else {}
            cookies = {}
            if self.path == "/api/v1/auth/login":
                status, answer = 200, {}
                if body.get("password") != PASSWORD:
                    status, answer = 401, {"detail": "wrong email or password"}
                cookies = {"sid": "s; HttpOnly; Path=/", "XSRF-TOKEN": "x; Path=/"}
            elif "sid=s" not in self.headers.get("Cookie", ""):
                status, answer = 401, {"detail": "log in first"}
            elif self.command != "GET" and self.headers.get("X-XSRF-TOKEN") != "x":
                status, answer = 403, {"detail": "no XSRF header"}
            else:
                status, answer = api.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in cookies.items():
                self.send_header("Set-Cookie", f"{name}={value}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = FakeApi(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
