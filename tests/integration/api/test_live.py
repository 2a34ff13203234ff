"""`/ws`: who may listen, what is told, and that nothing is missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from core.clock import to_ms
from core.store import events, outbox
from core.store import redis as redis_store
from core.wire.records import encode
from tests.integration.api.conftest import NewPerson
from tests.kit.api import ORIGIN, Person, context_of, make_execution, make_pipeline

Message = dict[str, object]


def _connect(app: FastAPI, person: Person, origin: str = ORIGIN) -> WebSocketTestSession:
    """Open a socket on the loop of the running application, with the person's cookies."""
    cookies = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    runner = cast("TestClient", app.state.runner)
    return runner.websocket_connect("/ws", headers={"Origin": origin, "Cookie": cookies})


def _next(socket: WebSocketTestSession, kind: str) -> Message:
    """Return the next message of a type; others come when they like."""
    while True:
        message = cast("Message", json.loads(socket.receive_text()))
        if message["type"] == kind:
            return message


def _tell(app: FastAPI, user_id: UUID, word: str) -> int:
    """Write an event as another process does: to the log, and to no topic."""
    with context_of(app).postgres.begin() as tx:
        record = events.append(tx, "pipeline_changed", user_id=user_id, at=datetime.now(UTC), payload={"word": word})
    return record.seq


def test_another_origin_is_refused_before_it_is_accepted(app: FastAPI, person: Person) -> None:
    for origin in ("https://evil.example", "null", "", "http://testserver.evil.example"):
        with pytest.raises(WebSocketDisconnect), _connect(app, person, origin):
            pass


def test_nobody_is_closed_with_4401(app: FastAPI, person: Person) -> None:
    person.client.cookies.clear()
    with _connect(app, person) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 4401


def test_a_client_hears_of_its_own_events_and_of_nobody_elses(app: FastAPI, new_person: NewPerson) -> None:
    person, other = new_person(), new_person()
    with _connect(app, person) as socket:
        assert _next(socket, "hello") == {"type": "hello", "seq": 0}
        _tell(app, other.id, "theirs")
        mine = _tell(app, person.id, "mine")
        message = _next(socket, "event")
    assert message["seq"] == mine
    assert message["payload"] == {"word": "mine"}
    assert message["event"] == "pipeline_changed"


def test_who_was_away_gets_what_was_missed_first_and_in_order(app: FastAPI, person: Person) -> None:
    numbers = [_tell(app, person.id, str(i)) for i in range(5)]
    with _connect(app, person) as socket:
        assert _next(socket, "hello")["seq"] == numbers[-1]
        socket.send_text(json.dumps({"type": "subscribe", "after": numbers[1]}))
        missed = [_next(socket, "event")["seq"] for _ in range(3)]
        numbers.append(_tell(app, person.id, "live"))
        assert [*missed, _next(socket, "event")["seq"]] == numbers[2:]


def test_the_market_of_subscribed_symbols_comes_and_no_other(app: FastAPI, person: Person) -> None:
    connection = context_of(app).redis
    now_ms = to_ms(datetime.now(UTC))
    with _connect(app, person) as socket:
        socket.send_text(json.dumps({"type": "subscribe", "symbols": ["BINANCE:BTCUSDT"]}))
        socket.send_text(json.dumps({"type": "subscribe", "after": 0}))
        _tell(app, person.id, "both subscriptions are taken once this comes")
        _next(socket, "event")
        snapshots = [redis_store.Snapshot(symbol, now_ms, 1.5) for symbol in ("BINANCE:BTCUSDT", "AAPL")]
        redis_store.publish_snapshots(connection, snapshots)
        message = _next(socket, "market")
    found = cast("list[dict[str, object]]", message["snapshots"])
    assert [(snapshot["symbol"], snapshot["price"]) for snapshot in found] == [("BINANCE:BTCUSDT", 1.5)]


def test_the_health_comes_to_who_connects(app: FastAPI, person: Person) -> None:
    with _connect(app, person) as socket:
        health = _next(socket, "health")
    assert health["status"] in ("ok", "degraded")
    assert health["processes"]


def test_a_message_that_cannot_be_read_ends_the_connection(app: FastAPI, person: Person) -> None:
    for text in ("{", '{"type": "subscribe", "symbols": 3}', '{"type": "shout"}', "[]"):
        with _connect(app, person) as socket:
            _next(socket, "hello")
            socket.send_text(text)
            with pytest.raises(WebSocketDisconnect) as closed:
                _next(socket, "event")
        assert closed.value.code == 4400, text


def test_more_sockets_than_anybody_needs_are_refused(app: FastAPI, person: Person) -> None:
    sockets = [_connect(app, person).__enter__() for _ in range(20)]
    try:
        for socket in sockets:
            _next(socket, "hello")
        with _connect(app, person) as one_more, pytest.raises(WebSocketDisconnect) as closed:
            one_more.receive_text()
        assert closed.value.code == 4429
    finally:
        for socket in sockets:
            socket.__exit__(None, None, None)


def test_polling_gives_the_same_events_as_the_socket(app: FastAPI, person: Person) -> None:
    execution = make_execution(app, make_pipeline(app, person.id))
    polled = person.get(f"/executions/{execution}/events?after=0").json()
    with _connect(app, person) as socket:
        socket.send_text(json.dumps({"type": "subscribe", "after": polled["items"][0]["seq"] - 1}))
        told = _next(socket, "event")
    assert {key: told[key] for key in polled["items"][0]} == polled["items"][0]
    assert person.get(f"/executions/{execution}/events?after={polled['last_seq']}").json()["items"] == []


def test_an_event_on_the_topic_is_heard_at_once(app: FastAPI, person: Person) -> None:
    """Through the outbox and Kafka: well before the log is asked anyway."""
    with context_of(app).postgres.begin() as tx:
        record = events.append(tx, "report_ready", user_id=person.id, at=datetime.now(UTC))
        outbox.add(tx, "events", "x", encode(record))
    with _connect(app, person) as socket:
        socket.send_text(json.dumps({"type": "subscribe", "after": record.seq - 1}))
        assert _next(socket, "event")["event"] == "report_ready"
