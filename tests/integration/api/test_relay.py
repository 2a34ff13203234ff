"""The outbox relay over the real broker: in order, by one at a time, and all again after the broker forgot."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pytest
from confluent_kafka import Consumer, TopicPartition
from fastapi import FastAPI
from pydantic import SecretStr

from api.context import Context, make_context
from api.kafka_watch import KafkaWatch
from api.relay import Relay
from core.clock import ManualClock, SystemClock
from core.errors import Unavailable
from core.settings import Settings
from core.store import outbox
from core.wire import kafka
from core.wire.records import TriggerRecord, decode
from core.wire.topics import topics
from tests.kit.api import context_of, make_pipeline, make_user, quick_passwords
from tests.kit.waiting import wait_until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now_ms())


@pytest.fixture
def ctx(migrated: Settings, clock: ManualClock) -> Generator[Context]:
    own = migrated.model_copy(update={"session_secret": SecretStr("s" * 40)})
    made = make_context(own, clock, quick_passwords())
    yield made
    made.close()


def _app(ctx: Context) -> FastAPI:
    app = FastAPI()
    app.state.context = ctx
    assert context_of(app) is ctx
    return app


def _read(settings: Settings, topic: str, count: int) -> list[tuple[bytes | None, bytes | None]]:
    """Return the first messages of a topic."""
    reader: Consumer = kafka.consumer(settings)
    found: list[tuple[bytes | None, bytes | None]] = []
    try:
        reader.assign([TopicPartition(topic, 0, 0)])

        def has_all() -> bool:
            found.extend((m.key(), m.value()) for m in kafka.values(reader.consume(100, timeout=0.1)))
            return len(found) >= count

        wait_until(has_all, timeout_s=15, what=f"{count} messages of {topic}")
    finally:
        reader.close()
    return found


def test_messages_are_published_in_order_and_once(ctx: Context) -> None:
    with ctx.postgres.begin() as tx:
        for i in range(300):
            outbox.add(tx, "costs", "user", str(i).encode())
        outbox.add(tx, "costs", "user", None)
    relay = Relay(ctx)
    assert relay.relay_once() == 301
    assert relay.relay_once() == 0
    found = _read(ctx.settings, topics(ctx.settings).costs.name, 301)
    assert [value for _, value in found] == [*(str(i).encode() for i in range(300)), None]
    with ctx.postgres.begin() as tx:
        assert outbox.waiting(tx) == 0


def test_only_one_relays_at_a_time(ctx: Context) -> None:
    relay = Relay(ctx)
    relay.relay_once()
    with ctx.postgres.begin() as tx:
        outbox.add(tx, "costs", "user", b"1")
    with ctx.postgres.begin() as other:
        assert outbox.hold_relay(other)
        assert relay.relay_once() == 0
    assert relay.relay_once() == 1


def test_a_transaction_that_fails_leaves_no_message(ctx: Context) -> None:
    with ctx.postgres.begin() as tx:
        outbox.add(tx, "costs", "user", b"1")
        tx.rollback()
    with ctx.postgres.begin() as tx:
        assert outbox.waiting(tx) == 0


def test_a_broker_that_forgot_gets_every_trigger_again(ctx: Context, clock: ManualClock) -> None:
    app = _app(ctx)
    user_id, _ = make_user(app)
    pipeline = make_pipeline(app, user_id)
    relay = Relay(ctx)
    while relay.relay_once():
        pass
    with ctx.postgres.begin() as tx:
        outbox.remember(tx, "kafka_cluster_id", "the broker before")
    clock.advance(10_000)
    while relay.relay_once():
        pass
    found = _read(ctx.settings, topics(ctx.settings).triggers.name, 3)
    records = [decode(value or b"", TriggerRecord) for _, value in found]
    assert {(record.action, record.trigger_id) for record in records} == {("set", pipeline.trigger_id)}
    assert records[-1].config == records[0].config


def test_a_broker_that_is_away_loses_nothing(ctx: Context) -> None:
    nowhere = ctx.settings.model_copy(update={"kafka_brokers": "127.0.0.1:1"})
    away = replace(ctx, settings=nowhere, kafka=KafkaWatch(nowhere))
    with ctx.postgres.begin() as tx:
        outbox.add(tx, "costs", "user", b"1")
    with pytest.raises(Unavailable):
        Relay(away).relay_once()
    with ctx.postgres.begin() as tx:
        assert outbox.waiting(tx) == 1
