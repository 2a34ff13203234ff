"""`/ws`: what happens, as it happens, to the browsers that are logged in.

server → client   {"type": "hello", "seq": n}                      the newest event's number
                  {"type": "event", "seq": n, "event": ..., ...}    own executions and pipelines
                  {"type": "market", "snapshots": [...]}            of the symbols subscribed to
                  {"type": "health", ...}                           when something has changed
client → server   {"type": "subscribe", "symbols": [...], "after": seq}

A client that was away says the last number it saw, and gets what it missed first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

import anyio
import msgspec
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api.context import context_of
from api.hub import Client, Hub
from api.metrics import SOCKETS
from api.session import identity_of, is_same_origin
from core.errors import Unavailable
from core.store import events

router = APIRouter()

NOT_LOGGED_IN = 4401
BAD_MESSAGE = 4400
TOO_MANY = 4429
TOO_SLOW = 4408
GOING_AWAY = 1012
MOST_SYMBOLS = 100


class Subscribe(msgspec.Struct, tag="subscribe", tag_field="type", frozen=True, forbid_unknown_fields=True):
    symbols: list[str] | None = None
    """What to be told the market of, in place of what was asked before; None leaves it."""
    after: int | None = None
    """The last event that was seen; what came after it is sent again."""


@router.websocket("/ws")
async def follow_live(socket: WebSocket) -> None:
    ctx = context_of(socket)
    if not is_same_origin(socket, ctx.settings):
        # Refused before it is accepted: a page of another site learns nothing.
        await socket.close(NOT_LOGGED_IN)
        return
    identity = identity_of(socket, ctx)
    await socket.accept()
    if identity is None:
        await socket.close(NOT_LOGGED_IN, "log in first")
        return
    hub = hub_of(socket)
    try:
        seq = await run_in_threadpool(_last_seq, ctx.postgres, identity.user_id)
    except Unavailable:
        seq = 0
    client = Client(identity.user_id, seq)
    if not hub.add(client):
        await socket.close(TOO_MANY, "too many connections of one user")
        return
    SOCKETS.inc()
    ends_in_s = max(0.0, identity.until_s - ctx.clock.now_ms() / 1000)
    try:
        with anyio.move_on_after(ends_in_s) as session:
            async with anyio.create_task_group() as both:
                both.start_soon(_end_with, both, partial(_read, socket, client, hub))
                both.start_soon(_end_with, both, partial(_write, socket, client, seq))
        code, reason = _verdict(client, is_session_over=session.cancelled_caught)
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(code, reason)
    finally:
        hub.remove(client)
        SOCKETS.dec()


async def _end_with(both: TaskGroup, half: Callable[[], Awaitable[None]]) -> None:
    """Run one half of a connection; when it ends, the other is ended too."""
    await half()
    both.cancel_scope.cancel()


def hub_of(socket: WebSocket) -> Hub:
    found = socket.app.state.hub
    assert isinstance(found, Hub)
    return found


def _last_seq(engine: Engine, user_id: UUID) -> int:
    with engine.connect() as connection:
        return events.last_seq(connection, user_id)


def _verdict(client: Client, *, is_session_over: bool) -> tuple[int, str]:
    """Return why the connection ends: the session's end, a message that cannot be read, or a slow client."""
    if is_session_over:
        return NOT_LOGGED_IN, "the session has ended"
    if client.is_closed_by_hub:
        return GOING_AWAY, "the server stops"
    if client.is_too_slow:
        return TOO_SLOW, "too slow; connect again and go on after the last event seen"
    return BAD_MESSAGE, "a message that cannot be read"


async def _read(socket: WebSocket, client: Client, hub: Hub) -> None:
    """Take subscriptions until the client goes, or sends what is none."""
    decoder = msgspec.json.Decoder(Subscribe)
    with suppress(WebSocketDisconnect, msgspec.DecodeError, KeyError):
        while True:
            message = decoder.decode(await socket.receive_text())
            if message.symbols is not None:
                client.watch(message.symbols[:MOST_SYMBOLS])
            if message.after is not None:
                client.rewind(message.after)
            hub.retell_health(client)
            hub.wake(client.user_id)


async def _write(socket: WebSocket, client: Client, seq: int) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(msgspec.json.encode({"type": "hello", "seq": seq}).decode())
        async for text in client.messages():
            await socket.send_text(text)
