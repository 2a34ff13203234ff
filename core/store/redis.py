"""What lives in Redis: snapshots of the market, states of triggers, heartbeats. Losing it loses only views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, cast

import msgspec
import redis

from core.errors import Unavailable
from core.heartbeat import Beat, key_of
from core.settings import Settings

MARKET_CHANNEL = "market"
"""Carries JSON lists of snapshots; at most five a second of one symbol."""
TRIGGER_STATES = "trigger_states"
_MARKET = "market:"

__all__ = [
    "MARKET_CHANNEL", "TRIGGER_STATES", "FormingCandle", "Snapshot", "TriggerState", "check",
    "client", "forget_trigger_states", "heartbeats", "market_key", "publish_snapshots",
    "put_trigger_states", "snapshots", "symbols", "trigger_states",
]  # fmt: skip


class FormingCandle(msgspec.Struct, frozen=True):
    ts_ms: int
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float | None
    trades: int


class Snapshot(msgspec.Struct, frozen=True):
    """A symbol now. `candles` by timeframe; `values` are watched indicators, `RSI_14@5m` → value."""

    symbol: str
    ts_ms: int
    price: float | None = None
    feed: str = ""
    health: str = ""
    session: str = "regular"
    candles: dict[str, FormingCandle] = {}
    values: dict[str, float | None] = {}


class TriggerState(msgspec.Struct, frozen=True):
    """Where one trigger stands for one symbol, as `engine.market` says it, or `invalid`. Times are epoch ms."""

    trigger_id: str
    symbol: str
    state: str
    version: int = 0
    health: str = "ok"
    missing_candles: int = 0
    value: bool | None = None
    firings: int = 0
    last_fired_ms: int | None = None
    next_due_ms: int | None = None
    detail: str = ""
    """Why it is `invalid`: a definition that the flow cannot read."""


class OfSymbol(Protocol):
    """Whatever encodes to the JSON of a Snapshot: the engine's own record does."""

    @property
    def symbol(self) -> str: ...


class OfTrigger(Protocol):
    """Whatever encodes to the JSON of a TriggerState: the engine's own record does."""

    @property
    def trigger_id(self) -> str: ...


def client(settings: Settings, *, timeout_s: float = 2.0) -> redis.Redis:
    """Return a client that threads share; it connects when first used."""
    url = settings.redis_url.get_secret_value()
    return redis.Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)


def check(connection: redis.Redis) -> None:
    """Answer, or raise `Unavailable`."""
    try:
        connection.ping()
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def market_key(symbol: str) -> str:
    return _MARKET + symbol


def symbols(connection: redis.Redis) -> list[str]:
    """Return the symbols that have a snapshot, in order."""
    try:
        keys = cast("Iterable[bytes]", connection.scan_iter(match=_MARKET + "*", count=1000))
        return sorted(key.decode()[len(_MARKET) :] for key in keys)
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def snapshots(connection: redis.Redis, wanted: list[str]) -> list[Snapshot]:
    """Return the snapshots there are of these symbols, in the order asked for."""
    found = _get_all(connection, [market_key(symbol) for symbol in wanted])
    return [msgspec.json.decode(data, type=Snapshot) for data in found if data is not None]


def publish_snapshots(connection: redis.Redis, changed: Sequence[OfSymbol]) -> None:
    """Store snapshots and tell who listens on the channel; one trip."""
    if not changed:
        return
    try:
        with connection.pipeline(transaction=False) as pipe:
            pipe.mset({market_key(snapshot.symbol): msgspec.json.encode(snapshot) for snapshot in changed})
            pipe.publish(MARKET_CHANNEL, msgspec.json.encode(changed))
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def put_trigger_states(connection: redis.Redis, states: Iterable[OfTrigger]) -> None:
    """Store what is known of whole triggers: all symbols of a trigger at once, replacing what was there."""
    by_trigger: dict[str, list[OfTrigger]] = {}
    for state in states:
        by_trigger.setdefault(state.trigger_id, []).append(state)
    if not by_trigger:
        return
    try:
        connection.hset(TRIGGER_STATES, mapping={k: msgspec.json.encode(v) for k, v in by_trigger.items()})
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def forget_trigger_states(connection: redis.Redis, trigger_ids: Sequence[str]) -> None:
    if not trigger_ids:
        return
    try:
        connection.hdel(TRIGGER_STATES, *trigger_ids)
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def trigger_states(connection: redis.Redis, trigger_ids: list[str]) -> dict[str, list[TriggerState]]:
    """Return the states of each trigger, one a symbol; a trigger nobody spoke of is left out."""
    if not trigger_ids:
        return {}
    try:
        found = cast("list[bytes | None]", connection.hmget(TRIGGER_STATES, trigger_ids))
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None
    return {
        trigger_id: msgspec.json.decode(data, type=list[TriggerState])
        for trigger_id, data in zip(trigger_ids, found, strict=True)
        if data is not None
    }


def heartbeats(connection: redis.Redis) -> list[Beat]:
    """Return the last beat of every process that beats now."""
    try:
        keys = [key.decode() for key in cast("Iterable[bytes]", connection.scan_iter(match=key_of("*"), count=1000))]
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None
    return [msgspec.json.decode(data, type=Beat) for data in _get_all(connection, sorted(keys)) if data is not None]


def _get_all(connection: redis.Redis, keys: list[str]) -> list[bytes | None]:
    if not keys:
        return []
    try:
        return cast("list[bytes | None]", connection.mget(keys))
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"Redis is away ({type(error).__name__})")
