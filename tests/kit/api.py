"""The API as tests meet it: users with a session each, and the rows that other processes would have written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import JsonValue
from sqlalchemy import insert

from api.context import Context
from api.definition import define
from api.limits import LOGIN_BY_ADDRESS
from api.passwords import Passwords
from core.identity import execution_id_of
from core.pipeline import load_json
from core.store import events, pipelines, users
from core.store.tables import cost_tracking, pipeline_executions, reports, step_executions, trades
from engine.firing import Evidence, Firing, LeafEvidence, Side, firing_id

PASSWORD = "correct horse battery staple"
EXAMPLES = Path(__file__).parents[2] / "examples"
ORIGIN = "http://testserver"


def quick_passwords() -> Passwords:
    """Return argon2 with parameters that take no time."""
    return Passwords(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))


def context_of(app: FastAPI) -> Context:
    found = app.state.context
    assert isinstance(found, Context)
    return found


def example(name: str = "btc-breakout") -> dict[str, JsonValue]:
    """Return the JSON of an example pipeline, without its id."""
    config = load_json((EXAMPLES / f"{name}.json").read_text()).to_json()
    del config["id"]
    return config


@dataclass(slots=True)
class Person:
    """A user and their browser. `request` sends what the page would send."""

    id: UUID
    email: str
    client: TestClient

    def request(self, method: str, path: str, body: object = None) -> Response:
        headers = {"X-XSRF-TOKEN": self.client.cookies.get("XSRF-TOKEN") or ""}
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    def get(self, path: str) -> Response:
        return self.request("GET", path)

    def post(self, path: str, body: object = None) -> Response:
        return self.request("POST", path, {} if body is None else body)


def make_user(app: FastAPI) -> tuple[UUID, str]:
    """Add a user whose password is PASSWORD."""
    ctx = context_of(app)
    user_id = uuid4()
    email = f"{user_id.hex[:12]}@example.com"
    with ctx.postgres.begin() as tx:
        users.create(tx, user_id=user_id, email=email, password_hash=ctx.passwords.hash(PASSWORD))
    return user_id, email


def make_person(app: FastAPI, client: TestClient) -> Person:
    """Add a user who is logged in with the client."""
    user_id, email = make_user(app)
    # All test users come from one address.
    context_of(app).limits.forgive(LOGIN_BY_ADDRESS, "testclient")
    answer = client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Person(user_id, email, client)


def make_pipeline(app: FastAPI, user_id: UUID, *, name: str = "btc-breakout") -> pipelines.StoredPipeline:
    pipeline_id = uuid4()
    with context_of(app).postgres.begin() as tx:
        return pipelines.create(
            tx,
            pipeline_id=pipeline_id,
            user_id=user_id,
            definition=define(example(name), pipeline_id),
            is_active=True,
            at=datetime.now(UTC),
        )


def make_firing(pipeline: pipelines.StoredPipeline, *, ts_ms: int = 1_795_400_000_000) -> Firing:
    symbol = pipeline.symbols[0]
    leaf = LeafEvidence(
        path="",
        operator="crosses_above",
        left=Side("price", 63_999.0, 64_001.0),
        right=Side("64000", 64_000.0, 64_000.0),
        upper=None,
        result=True,
    )
    return Firing(
        firing_id=firing_id(pipeline.trigger_id, 1, symbol, ts_ms, 7),
        pipeline_id=str(pipeline.id),
        trigger_id=pipeline.trigger_id,
        trigger_version=1,
        symbol=symbol,
        ts_ms=ts_ms,
        decided_ms=ts_ms,
        price=64_001.0,
        kind="tick",
        evidence=Evidence((leaf,), True, (), "live", "simulator", None, ts_ms, "0" * 64, "1"),
    )


def make_execution(app: FastAPI, pipeline: pipelines.StoredPipeline, *, ts_ms: int = 1_795_400_000_000) -> UUID:
    """Add a completed execution of one step, with an event, a cost, a trade and a report."""
    firing = make_firing(pipeline, ts_ms=ts_ms)
    execution_id = execution_id_of(firing.firing_id)
    now = datetime.now(UTC)
    own = {"user_id": pipeline.user_id, "execution_id": execution_id, "pipeline_id": pipeline.id}
    with context_of(app).postgres.begin() as tx:
        tx.execute(
            insert(pipeline_executions).values(
                id=execution_id,
                firing_id=UUID(firing.firing_id),
                pipeline_id=pipeline.id,
                user_id=pipeline.user_id,
                pipeline_version=pipeline.version,
                trigger_id=pipeline.trigger_id,
                trigger_version=1,
                symbol=firing.symbol,
                firing=msgspec.to_builtins(firing),
                status="completed",
                total_cost=Decimal("0.0021"),
                started_at=now,
                finished_at=now,
            )
        )
        tx.execute(
            insert(step_executions).values(
                execution_id=execution_id,
                node_id="bias",
                agent_type="bias_agent",
                status="completed",
                output={"bias": "bullish"},
                summary="bullish, 70 %",
                cost_usd=Decimal("0.0021"),
            )
        )
        tx.execute(
            insert(cost_tracking).values(
                id=uuid4(),
                idempotency_key=f"{execution_id}/bias/1",
                agent_type="bias_agent",
                cost_type="llm_tokens",
                quantity=Decimal(1200),
                amount_usd=Decimal("0.0021"),
                at=now,
                **own,
            )
        )
        tx.execute(
            insert(trades).values(id=uuid4(), symbol=firing.symbol, action="BUY", quantity=Decimal("0.5"), **own)
        )
        tx.execute(
            insert(reports).values(
                id=uuid4(), symbol=firing.symbol, title="Bought", summary="Bought 0.5", full_report={"a": 1}, **own
            )
        )
        events.append(tx, "execution_completed", at=now, payload={"status": "completed"}, **own)
    return execution_id
