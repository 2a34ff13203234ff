"""One connection a key: whoever holds the lock in Redis may connect; the others stand by.

Two connections with one key kill each other at the vendor's side. Where Redis is away nobody can know: the
holder goes on, a newcomer waits.
"""

from __future__ import annotations

import hashlib
import os
import socket

import redis

from core.settings import Settings

TTL_S = 30
RENEW_S = 2.0

_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('expire', KEYS[1], ARGV[2]) end return 0"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class LeaderLock:
    def __init__(self, settings: Settings) -> None:
        digest = hashlib.sha256(settings.finnhub_api_key.get_secret_value().encode()).hexdigest()[:16]
        self._key = f"ingest:leader:{digest}"
        self._host = socket.gethostname()
        self._owner = f"{self._host}:{os.getpid()}"
        self._redis = redis.Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        )
        self._holds = False
        self.trouble = ""
        """Why there is no lock, where it is not because another process holds it."""

    def hold(self) -> bool:
        """Take or renew the lock; return whether we may be connected."""
        try:
            self.trouble = ""
            if self._holds and self._redis.eval(_RENEW, 1, self._key, self._owner, TTL_S):
                return True
            self._free_if_its_process_died()
            self._holds = bool(self._redis.set(self._key, self._owner, nx=True, ex=TTL_S))
        except (redis.RedisError, OSError) as error:
            self.trouble = f"Redis does not answer ({type(error).__name__})"
        return self._holds

    def release(self) -> None:
        try:
            if self._holds:
                self._redis.eval(_RELEASE, 1, self._key, self._owner)
        except (redis.RedisError, OSError):
            pass  # it expires by itself
        self._holds = False
        self._redis.close()

    def _free_if_its_process_died(self) -> None:
        """A killed predecessor on this machine need not be waited for; in a container it had our own pid."""
        owner = str(self._redis.get(self._key) or "")
        host, _, pid = owner.rpartition(":")
        if owner == self._owner or (host == self._host and pid.isdecimal() and not _is_alive(int(pid))):
            self._redis.eval(_RELEASE, 1, self._key, owner)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
