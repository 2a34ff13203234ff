"""How often: counted in Redis, by account and by address. Without Redis nobody is refused, and a log line says so."""

from __future__ import annotations

from typing import NamedTuple

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.problems import TooMany
from core.clock import Clock
from core.observability import logger
from core.settings import Settings

_log = logger(__name__)


class Rule(NamedTuple):
    """`name` keeps the counters of rules apart; `what` stands in the refusal."""

    name: str
    rate: RateLimitItem
    what: str


LOGIN_BY_ACCOUNT = Rule("login-account", parse("10/minute"), "tries to log in to this account")
LOGIN_BY_ADDRESS = Rule("login-address", parse("60/minute"), "tries to log in from this address")
CREATE_PIPELINE = Rule("create-pipeline", parse("10/minute"), "new pipelines")


class Limits:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        url = settings.redis_url.get_secret_value()
        storage = RedisStorage(url, wrap_exceptions=True, socket_timeout=1.0, socket_connect_timeout=1.0)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._clock = clock

    def spend(self, rule: Rule, key: str) -> None:
        """Count one use.

        Raises:
            TooMany: the limit is reached; says when to come again.
        """
        try:
            if self._limiter.hit(rule.rate, rule.name, key):
                return
            resets_s = self._limiter.get_window_stats(rule.rate, rule.name, key).reset_time
        except (StorageError, OSError) as error:
            _log.warning("limits not counted, Redis is away", rule=rule.name, reason=type(error).__name__)
            return
        wait_s = max(1, round(resets_s - self._clock.now_ms() / 1000))
        raise TooMany(f"too many {rule.what}; try again in {wait_s} s", retry_after_s=wait_s)

    def forgive(self, rule: Rule, key: str) -> None:
        """Forget what was counted: the account's owner has shown the password."""
        try:
            self._limiter.clear(rule.rate, rule.name, key)
        except (StorageError, OSError):
            return
