"""An OpenAI-compatible server for tests, over real HTTP: it answers by the schema it is given, and can misbehave.

`LlmServer().start()` listens on 127.0.0.1; `server.url` goes to OPENAI_BASE_URL. Each request is kept in
`server.calls` with the tokens the answer reported, so that a ledger can be compared with it. What it does is
decided per call by `script`: misbehaviours in order, then `always`. Values it invents for a schema can be set by
field name in `values`, such as {"action": "buy", "entry_price": 64000.0}.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, cast

import msgspec

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Behaviour = Literal[
    "good", "401", "429", "500", "slow", "hang", "invalid_json", "schema_violation", "empty", "no_usage", "not_found",
    "cut", "tools",
]  # fmt: skip
_HANG_S = 30.0
_ERRORS: Mapping[str, tuple[int, str, str]] = {
    "401": (401, "invalid_api_key", "Incorrect API key provided."),
    "429": (429, "rate_limit_exceeded", "Rate limit reached."),
    "500": (500, "server_error", "The server had an error."),
    "not_found": (404, "model_not_found", "The model does not exist."),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came, and what was answered."""

    model: str
    schema: str
    prompt: str
    behaviour: Behaviour
    status: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int


@dataclass(slots=True)
class LlmServer:
    values: dict[str, Json] = field(default_factory=dict[str, "Json"])
    script: deque[Behaviour] = field(default_factory=deque[Behaviour])
    always: Behaviour = "good"
    by_model: dict[str, Behaviour] = field(default_factory=dict[str, "Behaviour"])
    """What calls of a model get, whatever else is set."""
    delay_s: float = 0.0
    output_tokens: int | None = None
    """What each good answer reports; None: some number, another each time."""
    extra: dict[str, Json] = field(default_factory=dict[str, "Json"])
    """Fields that nobody asked for, added to each answer."""
    calls: list[Call] = field(default_factory=list[Call])
    holds: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """(text, n): keep the answer back to the n-th question, from 1, that contains the text; until `let_go`."""
    held: set[str] = field(default_factory=set[str])
    """Texts of questions whose answer is kept back now."""
    _gone: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None, "not started"
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> LlmServer:
        owner = self

        class Handler(_Handler):
            server_of_test = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="llm-server", daemon=True).start()
        return self

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def next_behaviour(self, model: str) -> Behaviour:
        with self._lock:
            if model in self.by_model:
                return self.by_model[model]
            return self.script.popleft() if self.script else self.always

    def note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)

    def calls_about(self, text: str) -> list[Call]:
        with self._lock:
            return [call for call in self.calls if text in call.prompt]

    def wait_if_held(self, prompt: str) -> bool:
        """Wait where the answer to the question just noted is to be kept back; return whether it was."""
        with self._lock:
            places = {(text, sum(text in c.prompt for c in self.calls)) for text, _ in self.holds if text in prompt}
            found = places & self.holds
            self.holds -= found
            self.held |= {text for text, _ in found}
            gone = self._gone
        return bool(found) and gone.wait()

    def let_go(self) -> None:
        """Break off all answers that are kept back."""
        with self._lock:
            self.holds.clear()
            self.held.clear()
            gone, self._gone = self._gone, threading.Event()
        gone.set()

    @property
    def tokens(self) -> tuple[int, int]:
        """Return the input and output tokens reported in all answers."""
        with self._lock:
            return sum(c.input_tokens for c in self.calls), sum(c.output_tokens for c in self.calls)


class _Handler(BaseHTTPRequestHandler):
    server_of_test: LlmServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a test reads `calls`."""

    def do_POST(self) -> None:
        server = self.server_of_test
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        question = cast("dict[str, Json]", msgspec.json.decode(body))
        model = str(question.get("model"))
        behaviour = server.next_behaviour(model)
        time.sleep(server.delay_s)
        name, schema = _schema_of(question)
        if behaviour == "slow":
            time.sleep(2.0)
        if behaviour == "hang":
            # Noted while the caller still waits: it is gone when this ends.
            server.note(Call(model, name, body.decode(), behaviour, 0, 0, 0, 0))
            time.sleep(_HANG_S)
            self.close_connection = True
            return
        output = 40 + len(server.calls) if server.output_tokens is None else server.output_tokens
        used = (len(body) // 4, output, 16)
        if behaviour in _ERRORS:
            status, code, message = _ERRORS[behaviour]
            server.note(Call(model, name, body.decode(), behaviour, status, 0, 0, 0))
            error: Json = {"error": {"message": message, "type": code, "code": code, "param": None}}
            self._send(status, error, {"Retry-After": "0"} if status == 429 else {})
            return
        if behaviour == "cut":
            server.note(Call(model, name, body.decode(), behaviour, 200, 0, 0, 0))
            self._break_off()
            return
        content = _content(behaviour, schema, server.values, server.extra)
        if behaviour == "no_usage":
            used = (0, 0, 0)
        server.note(Call(model, name, body.decode(), behaviour, 200, *used))
        if server.wait_if_held(body.decode()):
            self.close_connection = True
            return
        answer = _completion(model, content, used if behaviour != "no_usage" else None)
        self._send(200, _with_tool_call(answer) if behaviour == "tools" else answer, {})

    def _break_off(self) -> None:
        """Begin an answer and hang up in the middle of it."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"id": "chatcmpl-test", "choices": [{"mess')
        self.wfile.flush()
        self.close_connection = True

    def _send(self, status: int, answer: Json, headers: Mapping[str, str]) -> None:
        data = gzip.compress(msgspec.json.encode(answer))
        try:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def _schema_of(question: dict[str, Json]) -> tuple[str, dict[str, Json]]:
    """Return name and schema of the answer that is asked for; ("", {}) where text is."""
    form = question.get("response_format")
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return "", {}
    wrapped = cast("dict[str, Json]", form["json_schema"])
    assert wrapped.get("strict") is True, "the schema is not strict"
    return str(wrapped["name"]), cast("dict[str, Json]", wrapped["schema"])


def _content(
    behaviour: Behaviour, schema: dict[str, Json], values: Mapping[str, Json], extra: Mapping[str, Json]
) -> str:
    if behaviour == "invalid_json":
        return '{"bias": "bull'
    if behaviour == "empty":
        return ""
    if not schema:
        return "as asked"
    made = {**cast("dict[str, Json]", synthesise(schema, schema, values)), **extra}
    if behaviour == "schema_violation":
        made[next(iter(made))] = {"not": "this"}
    return msgspec.json.encode(made).decode()


def synthesise(schema: dict[str, Json], root: dict[str, Json], values: Mapping[str, Json], name: str = "") -> Json:
    """Return a value that fits a schema: the one set for the field, the first of an enum, a small number."""
    if name in values:
        return values[name]
    if "$ref" in schema:
        part = cast("dict[str, Json]", root["$defs"])[str(schema["$ref"]).rpartition("/")[2]]
        return synthesise(cast("dict[str, Json]", part), root, values, name)
    if "anyOf" in schema:
        return synthesise(cast("list[dict[str, Json]]", schema["anyOf"])[0], root, values, name)
    if "enum" in schema:
        return cast("list[Json]", schema["enum"])[0]
    match schema.get("type"):
        case "object":
            properties = cast("dict[str, dict[str, Json]]", schema.get("properties", {}))
            return {key: synthesise(part, root, values, key) for key, part in properties.items()}
        case "array":
            return [synthesise(cast("dict[str, Json]", schema["items"]), root, values)]
        case "number" | "integer":
            return 75
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "as the evidence shows"


def _completion(model: str, content: str, used: tuple[int, int, int] | None) -> dict[str, Json]:
    answer: dict[str, Json] = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_741_613_400,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
    }
    if used is not None:
        answer["usage"] = {
            "prompt_tokens": used[0],
            "completion_tokens": used[1],
            "total_tokens": used[0] + used[1],
            "prompt_tokens_details": {"cached_tokens": used[2], "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }
    return answer


def _with_tool_call(answer: dict[str, Json]) -> dict[str, Json]:
    """Return the answer of a model that calls a tool instead, every time it is asked."""
    call: Json = {"id": "call_1", "type": "function", "function": {"name": "buy_now", "arguments": '{"quantity": 1e9}'}}
    choices: Json = [
        {
            "index": 0,
            "message": {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]},
            "finish_reason": "tool_calls",
            "logprobs": None,
        }
    ]
    return {**answer, "choices": choices}
