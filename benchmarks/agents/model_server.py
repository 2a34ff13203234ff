"""A model server in a process of its own: OpenAI's protocol, answers by the schema asked for, after a fixed time.

It answers so fast, and so many at once, that what is measured is the worker. `GET /2.0` sets what an answer takes
from then on, in seconds, and tells how many questions it has answered and how many it held at once at most since the
last such request.

    python -m benchmarks.agents.model_server --port 8123
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from tests.kit.llm_server import Json, synthesise

ANSWERS: Mapping[str, Json] = {
    "bias": "bullish", "trend": "bullish", "favours": "buy", "action": "buy",
    "level": None, "invalidation_level": None,
}  # fmt: skip
_INPUT_TOKENS, _OUTPUT_TOKENS = 2_000, 200
_HEAD_END = b"\r\n\r\n"


class Told(msgspec.Struct, frozen=True):
    answered: int
    most_at_once: int


class _Form(msgspec.Struct):
    name: str
    schema: dict[str, object]


class _Format(msgspec.Struct):
    json_schema: _Form


class _Question(msgspec.Struct):
    model: str
    response_format: _Format


class ModelServer:
    def __init__(self, answers: Mapping[str, Json]) -> None:
        self._delay_s = 0.0
        self._answers = answers
        self._contents: dict[str, str] = {}
        self._answered = self._held = self._most = 0

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self.connection, "127.0.0.1", port, backlog=256)
        async with server:
            await server.serve_forever()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(_HEAD_END)
                body = await reader.readexactly(_length(head))
                # Head and body leave together: two small packets would wait for one another.
                writer.write(_response(await self._answer(body) if body else self._told(head)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, body: bytes) -> bytes:
        self._held += 1
        self._most = max(self._most, self._held)
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        question = msgspec.json.decode(body, type=_Question)
        self._held -= 1
        self._answered += 1
        return _completion(question.model, self._content(question.response_format.json_schema))

    def _content(self, form: _Form) -> str:
        made = self._contents.get(form.name)
        if made is None:
            schema = cast("dict[str, Json]", form.schema)
            made = self._contents[form.name] = msgspec.json.encode(synthesise(schema, schema, self._answers)).decode()
        return made

    def _told(self, head: bytes) -> bytes:
        told = Told(self._answered, self._most)
        self._delay_s = float(head.split(b" ", 2)[1].strip(b"/"))
        self._answered, self._most = 0, self._held
        return msgspec.json.encode(told)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d%b%b" % (
        len(body), _HEAD_END, body,
    )  # fmt: skip


def _completion(model: str, content: str) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_741_613_400,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {
                "prompt_tokens": _INPUT_TOKENS,
                "completion_tokens": _OUTPUT_TOKENS,
                "total_tokens": _INPUT_TOKENS + _OUTPUT_TOKENS,
            },
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agents.model_server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--price", type=float, default=64_000.0)
    asked = parser.parse_args(arguments)
    answers: dict[str, Json] = {**ANSWERS, "entry_price": asked.price}
    asyncio.run(ModelServer(answers).serve(asked.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
