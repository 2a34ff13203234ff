"""The health answers, with sentences, whatever is away."""

from __future__ import annotations

from collections.abc import Generator
from uuid import uuid4

import msgspec
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.context import Context
from core.heartbeat import Beat, key_of
from core.settings import Settings
from tests.kit.api import Person, context_of, quick_passwords

NOWHERE = {
    "postgres": {"postgres_url": SecretStr("postgresql://a:b@127.0.0.1:1/none")},
    "kafka": {"kafka_brokers": "127.0.0.1:1"},
    "redis": {"redis_url": SecretStr("redis://127.0.0.1:1/0")},
    "clickhouse": {"clickhouse_url": "http://127.0.0.1:1"},
    "queue": {"celery_broker_url": SecretStr("redis://127.0.0.1:1/1")},
}


@pytest.fixture
def client_without(api_settings: Settings, request: pytest.FixtureRequest) -> Generator[TestClient]:
    """A browser that is logged in to an API one of whose neighbours is away."""
    app = create_app(api_settings.model_copy(update=NOWHERE[request.param]), passwords=quick_passwords())
    ctx = context_of(app)
    client = TestClient(app, raise_server_exceptions=False)
    client.cookies.set("tapewatch-access", ctx.tokens.sign_access(uuid4(), uuid4())[0])
    yield client
    ctx.close()


@pytest.mark.parametrize("client_without", NOWHERE, indirect=True)
def test_the_health_answers_whatever_is_away(client_without: TestClient, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["client_without"]
    answer = client_without.get("/api/v1/health")
    assert answer.status_code == 200, answer.text
    health = answer.json()
    part = next(part for part in health["parts"] if part["name"] == name)
    assert part["status"] == "down"
    assert ":" in part["sentence"], "what it means stands after why"
    assert [other["status"] for other in health["parts"] if other["name"] != name] == ["ok"] * 5
    assert health["status"] == ("down" if name in ("postgres", "kafka") else "degraded")
    assert health["sentence"].startswith(part["title"])


@pytest.mark.parametrize("client_without", ["postgres", "clickhouse", "redis"], indirect=True)
def test_what_needs_an_absent_neighbour_says_so_without_a_trace(client_without: TestClient) -> None:
    for path in ("pipelines", "market/symbols", "market/candles?symbol=AAPL", "billing/costs"):
        answer = client_without.get(f"/api/v1/{path}")
        assert answer.status_code in (200, 401, 503), answer.text
        if answer.status_code == 503:
            assert "is away" in answer.json()["detail"]
            assert answer.headers["retry-after"] == "2"
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("client_without", ["postgres"], indirect=True)
def test_not_ready_without_postgres(client_without: TestClient) -> None:
    answer = client_without.get("/api/v1/ready")
    assert answer.status_code == 503
    assert answer.json() == {"is_ready": False, "sentence": "Postgres does not answer yet"}


def test_a_process_that_does_not_beat_is_named_with_what_it_means(person: Person) -> None:
    health = person.get("/health").json()
    market = next(process for process in health["processes"] if process["name"] == "market")
    assert market["state"] == "missing"
    assert market["sentence"].startswith("Market flow is restarting: candles and triggers pause")


def test_a_shard_that_waits_is_named_with_its_reason(person: Person, app_context: Context) -> None:
    beat = Beat(process="market-0", pid=7, at_ms=1, state="waiting", detail="Kafka is away")
    app_context.redis.set(key_of("market-0"), msgspec.json.encode(beat), px=5000)
    try:
        health = person.get("/health").json()
    finally:
        app_context.redis.delete(key_of("market-0"))
    market = next(process for process in health["processes"] if process["name"] == "market-0")
    assert market["state"] == "waiting"
    assert market["sentence"].startswith(
        "Market flow waits for a neighbour (Kafka is away): candles and triggers pause"
    )
    assert not [process for process in health["processes"] if process["name"] == "market"]
