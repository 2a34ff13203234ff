"""The parts of the agents benchmark: what a process used, and a model server that can wait."""

from __future__ import annotations

import asyncio
import os
import time

import msgspec
import pytest

from benchmarks.agents.model_server import ANSWERS, ModelServer, Told
from benchmarks.agents.worker_usage import usage_of

_FORM = {"name": "View", "schema": {"type": "object", "properties": {"bias": {"type": "string"}}}}
_QUESTION = msgspec.json.encode({"model": "m", "response_format": {"json_schema": _FORM}})


def test_what_a_process_used_grows_with_its_work() -> None:
    before = usage_of(os.getpid())
    while usage_of(os.getpid()).cpu_s < before.cpu_s + 0.02:
        time.monotonic()
    assert before.rss_bytes > 1_000_000


def test_a_process_that_has_ended_has_no_usage() -> None:
    with pytest.raises(AssertionError, match="has ended"):
        usage_of(2**22 + 1)


def test_the_server_answers_by_the_schema_and_counts_since_it_was_last_asked() -> None:
    first, second, content = asyncio.run(_talk())
    assert (first.answered, first.most_at_once) == (2, 1)
    assert (second.answered, second.most_at_once) == (0, 0)
    assert content == {"bias": "bullish"}


async def _talk() -> tuple[Told, Told, object]:
    model, is_over = ModelServer(ANSWERS), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await model.connection(reader, writer)
        await writer.wait_closed()
        is_over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        post = b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(_QUESTION), _QUESTION)
        bodies: list[bytes] = []
        for asked in (post, post, b"GET /0.5 HTTP/1.1\r\n\r\n", b"GET /0 HTTP/1.1\r\n\r\n"):
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            bodies.append(await reader.readexactly(int(head.rpartition(b": ")[2])))
        writer.close()
        await writer.wait_closed()
        await is_over.wait()
    answer = msgspec.json.decode(bodies[0])
    content = msgspec.json.decode(answer["choices"][0]["message"]["content"])
    return msgspec.json.decode(bodies[2], type=Told), msgspec.json.decode(bodies[3], type=Told), content
