"""The threads that bring news to the hub: from the event log, Kafka, Redis, and the health of everything.

Each goes on whatever its neighbour does; the page learns from the health what is away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import cast
from uuid import UUID

import msgspec
import redis
from confluent_kafka import OFFSET_END as END
from confluent_kafka import KafkaException, TopicPartition

from api.context import Context
from api.health import Health, make_health
from api.hub import Hub
from api.threads import make_thread
from core.errors import Malformed, Unavailable
from core.observability import logger
from core.store import events
from core.store.redis import MARKET_CHANNEL
from core.wire import kafka
from core.wire.records import EventRecord, decode
from core.wire.topics import topics

_log = logger(__name__)
RECONCILE_S = 2.0
HEALTH_S = 1.0
CLUSTER_CHECK_S = 3.0
_BATCH = 1000


class _Named(msgspec.Struct, frozen=True):
    symbol: str


class Pumps:
    """Started with the application, ended with it."""

    def __init__(self, ctx: Context, hub: Hub) -> None:
        self._ctx = ctx
        self._hub = hub
        self._stopped = threading.Event()
        self._threads = [
            make_thread(name, partial(self._run, name, pump))
            for name, pump in (
                ("live-events", self._pump_events),
                ("live-wake", self._pump_wakes),
                ("live-market", self._pump_market),
                ("live-health", self._pump_health),
            )
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._hub.close()
        deadline = time.monotonic() + 0.5
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def _run(self, name: str, pump: Callable[[], None]) -> None:
        """Repeat a pump that ends when its neighbour is away, a little later each time."""
        wait_s, is_away = 0.0, False
        while not self._stopped.wait(wait_s):
            try:
                pump()
                wait_s, is_away = 0.0, False
            except (Unavailable, redis.RedisError, KafkaException, OSError) as error:
                if not is_away:
                    _log.warning("live feed waits for its neighbour", feed=name, reason=type(error).__name__)
                wait_s, is_away = min(2.0, wait_s * 2 or 0.2), True

    def _pump_events(self) -> None:
        woken = self._hub.wait_woken(RECONCILE_S)
        if not woken or self._stopped.is_set():
            return
        after = min(woken.values())
        try:
            with self._ctx.postgres.connect() as connection:
                found = events.after_for_users(connection, list(woken), after, limit=_BATCH)
        except Unavailable:
            self._hub.wake_all()
            raise
        self._hub.deliver_events(after, found)
        if len(found) == _BATCH:
            for user_id in woken:
                self._hub.wake(user_id)

    def _pump_wakes(self) -> None:
        """Listen to topic `events` from its end; what was said before is in the log."""
        name = topics(self._ctx.settings).events.name
        reader = kafka.consumer(self._ctx.settings, from_start=False)
        try:
            cluster = kafka.cluster_of(reader, timeout_s=2)
            reader.assign([TopicPartition(name, 0, END)])
            asked_s = time.monotonic()
            while not self._stopped.is_set():
                for message in kafka.values(reader.consume(num_messages=500, timeout=0.2)):
                    self._wake_for(message.value())
                if time.monotonic() - asked_s > CLUSTER_CHECK_S:
                    asked_s = time.monotonic()
                    if kafka.cluster_of(reader, timeout_s=2) != cluster:
                        return  # the log is not the one we were reading: start over at its end
        finally:
            reader.close()

    def _wake_for(self, value: bytes | None) -> None:
        if value is None:
            return
        try:
            self._hub.wake(UUID(decode(value, EventRecord).user_id))
        except (Malformed, ValueError):
            return  # the log will tell

    def _pump_market(self) -> None:
        with self._ctx.redis.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(MARKET_CHANNEL)
            while not self._stopped.is_set():
                message = cast("dict[str, object] | None", channel.get_message(timeout=0.5))
                data = message["data"] if message else None
                if isinstance(data, bytes) and self._hub.listeners():
                    self._hub.deliver_market(_snapshots(data))

    def _pump_health(self) -> None:
        last = ""
        while not self._stopped.wait(HEALTH_S):
            if not self._hub.listeners():
                last = ""
                continue
            health = make_health(self._ctx)
            if (shape := _shape(health)) != last:
                last = shape
                self._hub.deliver_health(health_message(health))


def _snapshots(data: bytes) -> dict[str, msgspec.Raw]:
    """Return the snapshots of a message by symbol, each as the bytes it came in."""
    try:
        found = msgspec.json.decode(data, type=list[msgspec.Raw])
        return {msgspec.json.decode(raw, type=_Named).symbol: raw for raw in found}
    except msgspec.DecodeError:
        return {}


def health_message(health: Health) -> str:
    return '{"type":"health",' + health.model_dump_json()[1:]


def _shape(health: Health) -> str:
    """Return what of the health a change of is worth telling: states and what is wrong, not latencies and counts."""
    parts = [(part.name, part.status) for part in health.parts]
    processes = [(p.name, p.state, "" if p.state == "ok" else p.sentence) for p in health.processes]
    return repr((health.status, health.sentence, parts, processes))
