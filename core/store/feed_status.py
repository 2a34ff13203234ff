"""What ingest says of its feed, in Redis: the state of each symbol, who waits for a slot, what the key may use.

Losing it loses only this view: triggers get the states from the marks of topic `trades`.
"""

from __future__ import annotations

from typing import Literal, TypeVar, cast

import msgspec
import redis

from core.errors import Unavailable
from core.wire.trades import FeedHealth

STATUS_KEY, CAPABILITIES_KEY = "feed:status", "feed:capabilities"
STATUS_TTL_MS = 10_000
"""Of a status that is not renewed nothing is left: nobody listens."""


class SymbolFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol's feed now (T20).

    since_ms       feed time at which this state began
    last_trade_ms  exchange time of the last trade heard, 0 while there was none
    a_minute       trades a minute lately
    detail         why, as a sentence; may be empty
    """

    health: FeedHealth
    since_ms: int
    last_trade_ms: int = 0
    a_minute: float = 0.0
    detail: str = ""


class SlotWait(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that is wished for and not listened to (T32: `waiting_for_slot`), in the order of the queue.

    reason    limit: the key allows no more symbols; unknown_symbol: the feed does not know it
    since_ms  feed time
    """

    symbol: str
    reason: Literal["limit", "unknown_symbol"]
    since_ms: int
    detail: str = ""


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The feed as a whole and each symbol. `at_ms` is feed time, `recv_ms` ingest's wall clock.

    limit       symbols that the key allows, as far as is known on this connection
    no_history  by symbol, why its history could not be had up to now: its indicators warm up from live trades (T22)
    halts_not_seen  why no status source says when trading is halted, empty while one does (T21)
    """

    feed: str
    at_ms: int
    recv_ms: int
    health: FeedHealth
    gap_ms: int = 0
    detail: str = ""
    limit: int = 0
    symbols: dict[str, SymbolFeed] = {}
    waiting: list[SlotWait] = []
    no_history: dict[str, str] = {}
    halts_not_seen: str = "no status source is connected"


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the key may use a feature, when it was asked and what was answered.

    state   unknown: there was no answer that says so
    status  HTTP status, 0 where there was none
    """

    feature: str
    state: Literal["allowed", "refused", "unknown"]
    at_ms: int
    status: int = 0
    answer: str = ""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    at_ms: int
    features: list[Capability] = []


_T = TypeVar("_T", FeedStatus, Capabilities)


def put_status(connection: redis.Redis, status: FeedStatus) -> None:
    """Store it; gone in 10 s unless renewed.

    Raises:
        Unavailable: Redis is away.
    """
    _put(connection, STATUS_KEY, status, ttl_ms=STATUS_TTL_MS)


def put_capabilities(connection: redis.Redis, found: Capabilities) -> None:
    """Store what a probe found, until the next one.

    Raises:
        Unavailable: Redis is away.
    """
    _put(connection, CAPABILITIES_KEY, found, ttl_ms=None)


def status(connection: redis.Redis) -> FeedStatus | None:
    """Return what ingest said last, None where it has not spoken for 10 s.

    Raises:
        Unavailable: Redis is away.
    """
    return _get(connection, STATUS_KEY, FeedStatus)


def capabilities(connection: redis.Redis) -> Capabilities | None:
    """Return what the last probe found, None before the first.

    Raises:
        Unavailable: Redis is away.
    """
    return _get(connection, CAPABILITIES_KEY, Capabilities)


def _put(connection: redis.Redis, key: str, value: FeedStatus | Capabilities, *, ttl_ms: int | None) -> None:
    try:
        connection.set(key, msgspec.json.encode(value), px=ttl_ms)
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def _get(connection: redis.Redis, key: str, kind: type[_T]) -> _T | None:
    try:
        found = cast("bytes | None", connection.get(key))
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None
    return None if found is None else msgspec.json.decode(found, type=kind)


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"Redis is away ({type(error).__name__})")
