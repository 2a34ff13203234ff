"""What every request may use: settings, clock, and the stores; made once by `create_app`, closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import redis
from fastapi import Depends
from sqlalchemy import Connection, Engine
from starlette.requests import HTTPConnection

from api.kafka_watch import KafkaWatch
from api.limits import Limits
from api.passwords import Passwords
from api.tokens import Tokens
from core.clock import Clock
from core.settings import Settings
from core.store import postgres
from core.store import redis as redis_store
from core.store.clickhouse.client import ClickHouse

# Sync endpoints run on this many threads at most; each may hold one connection.
POOL = 20


@dataclass(frozen=True, slots=True)
class Context:
    """Everything connects when it is first used, and again after its neighbour was away."""

    settings: Settings
    clock: Clock
    postgres: Engine
    redis: redis.Redis
    clickhouse: ClickHouse
    kafka: KafkaWatch
    passwords: Passwords
    tokens: Tokens
    limits: Limits

    def close(self) -> None:
        self.postgres.dispose()
        self.redis.close()
        self.clickhouse.close()
        self.kafka.close()


def make_context(settings: Settings, clock: Clock, passwords: Passwords) -> Context:
    return Context(
        settings=settings,
        clock=clock,
        postgres=postgres.engine(settings, pool_size=POOL, statement_timeout_ms=10_000),
        redis=redis_store.client(settings, timeout_s=1.0),
        clickhouse=ClickHouse(settings, timeout_s=15),
        kafka=KafkaWatch(settings),
        passwords=passwords,
        tokens=Tokens(settings, clock),
        limits=Limits(settings, clock),
    )


def context_of(connection: HTTPConnection) -> Context:
    found = connection.app.state.context
    assert isinstance(found, Context)
    return found


Ctx = Annotated[Context, Depends(context_of)]


def _transaction(ctx: Ctx) -> Iterator[Connection]:
    """One transaction a request, committed when the endpoint has returned without an error."""
    with ctx.postgres.begin() as tx:
        yield tx


Tx = Annotated[Connection, Depends(_transaction, scope="function")]
"""Committed before the answer is sent: what a client is told has happened, has happened."""
