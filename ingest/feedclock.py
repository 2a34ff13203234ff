"""Feed time (T24): the receipt clock for a live feed, the player's clock for a recorded or simulated one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Protocol

from core.clock import Clock
from core.errors import Unavailable


class FeedClock(Protocol):
    def feed_ms(self) -> int:
        """Return feed time now; never steps back."""
        ...


class ReceiptClock:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def feed_ms(self) -> int:
        return self._clock.now_ms()


class PlayerClock:
    """Interpolates between the answers of the player, which says its time and its speed."""

    def __init__(self, rest_url: str, clock: Clock) -> None:
        self._url = f"{rest_url.rstrip('/')}/simulator/clock"
        self._clock = clock
        self._base_ms = 0
        self._asked_at = 0.0
        self._speed = 0.0
        self._last = 0

    @property
    def is_known(self) -> bool:
        return self._base_ms > 0

    def ask(self) -> None:
        """Ask the player; while it is away feed time stands still.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            with urllib.request.urlopen(self._url, timeout=2) as response:
                answer = json.load(response)
        except (urllib.error.URLError, OSError, ValueError) as error:
            self._hold()
            raise Unavailable(f"the player's clock does not answer ({type(error).__name__})") from None
        self._base_ms, self._speed = int(answer["now_ms"]), float(answer["speed"])
        self._asked_at = self._clock.monotonic()

    def feed_ms(self) -> int:
        now = self._base_ms + int((self._clock.monotonic() - self._asked_at) * 1000 * self._speed)
        self._last = max(self._last, now)
        return self._last

    def _hold(self) -> None:
        if self._base_ms:
            self._base_ms, self._speed = self.feed_ms(), 0.0
            self._asked_at = self._clock.monotonic()
