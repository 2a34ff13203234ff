"""Which news have been published, in Redis, so that a restart does not publish them again.

Losing it loses nothing but that: the engine knows an item it has judged (T34).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import redis

from core.errors import Unavailable


def load(connection: redis.Redis, feed: str) -> dict[tuple[str, str], int]:
    """Return published_ms by (symbol, news id).

    Raises:
        Unavailable: Redis is away.
    """
    try:
        found = cast("list[tuple[bytes, float]]", connection.zrange(_key(feed), 0, -1, withscores=True))
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None
    parts = ((member.decode().rpartition("|"), at) for member, at in found)
    return {(symbol, news_id): int(at) for (symbol, _, news_id), at in parts}


def add(connection: redis.Redis, feed: str, published: Mapping[tuple[str, str], int], *, oldest_ms: int) -> None:
    """Add published_ms by (symbol, news id), and drop what was published before `oldest_ms`.

    Raises:
        Unavailable: Redis is away.
    """
    try:
        with connection.pipeline(transaction=False) as pipe:
            if published:
                pipe.zadd(_key(feed), {f"{symbol}|{news_id}": at for (symbol, news_id), at in published.items()})
            pipe.zremrangebyscore(_key(feed), "-inf", f"({oldest_ms}")
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        raise _away(error) from None


def _key(feed: str) -> str:
    return f"feed:news:{feed}"


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"Redis is away ({type(error).__name__})")
