"""The four services answer their own protocols, and tests share them without seeing each other."""

from __future__ import annotations

import psycopg
import redis

from core.settings import Settings
from core.wire.kafka import cluster_id, ensure_topics
from tests.kit.stack import RunningStack


def test_every_service_answers_its_protocol(stack: RunningStack, settings: Settings) -> None:
    ensure_topics(settings)
    assert cluster_id(settings).startswith("embedded-")
    with psycopg.connect(settings.postgres_url.get_secret_value()) as connection:
        assert connection.execute("SHOW server_version").fetchone() == ("18.6",)
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        assert client.ping()
    assert {part.status for part in stack.run().parts} == {"up"}


def test_a_test_finds_its_own_tables_and_nothing_else(migrated: Settings) -> None:
    with psycopg.connect(migrated.postgres_url.get_secret_value()) as connection:
        assert connection.execute("SELECT count(*) FROM pipelines").fetchone() == (0,)
