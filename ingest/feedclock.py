"""Feed time (T24): the receipt clock for a live feed, the player's clock for a recorded or simulated one."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Protocol

import msgspec

from core.clock import Clock
from core.errors import Unavailable

BEHIND_S = 0.1
"""A player sends what has happened every 50 ms: feed time stays so far behind its clock that no mark closes a candle
whose last trades are under way."""
_UNSURE_S = 1.0
_TIMEOUT_S = 2.0


class FeedClock(Protocol):
    @property
    def is_known(self) -> bool:
        """Whether feed time can be told at all by now."""
        ...

    def feed_ms(self) -> int:
        """Return feed time now; never steps back."""
        ...

    def latest_ms(self) -> int:
        """Return the latest that feed time can be by now: what a trade's time is judged by."""
        ...


class ReceiptClock:
    is_known = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def feed_ms(self) -> int:
        return self._clock.now_ms()

    def latest_ms(self) -> int:
        return self._clock.now_ms()


class _Answer(msgspec.Struct, frozen=True):
    now_ms: int
    speed: float
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """One value, so that a thread may replace it while the loop reads."""

    now_ms: int
    speed: float
    at: float
    is_held: bool = False


class PlayerClock:
    """Interpolates between the answers of the player, which says its time and its speed."""

    def __init__(self, rest_url: str, clock: Clock) -> None:
        self._url = f"{rest_url.rstrip('/')}/simulator/clock"
        self._clock = clock
        self._reading: _Reading | None = None
        self._last = 0

    @property
    def is_known(self) -> bool:
        return self._reading is not None

    def ask(self) -> None:
        """Ask the player. Where it is gone feed time stands still; where it is only slow it goes on.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as response:
                answer = msgspec.json.decode(response.read(), type=_Answer)
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(reason, ConnectionError):
                self._stand_still()
            raise Unavailable(
                f"the player does not answer ({type(reason).__name__}); trying again each second"
            ) from None
        self.set(answer.now_ms, answer.speed, is_held=answer.is_held)

    def set(self, now_ms: int, speed: float, *, is_held: bool = False) -> None:
        """Take what the player says. Held, its time stands until it says otherwise, but may have gone on since."""
        self._reading = _Reading(now_ms, speed, self._clock.monotonic(), is_held)

    def feed_ms(self) -> int:
        reading = self._reading
        now_ms = reading.now_ms if reading is not None and reading.is_held else self._at(-BEHIND_S)
        self._last = max(self._last, now_ms)
        return self._last

    def latest_ms(self) -> int:
        return self._at(_UNSURE_S)

    def _at(self, more_s: float) -> int:
        reading = self._reading
        if reading is None:
            return 0
        return reading.now_ms + int((self._clock.monotonic() - reading.at + more_s) * 1000 * reading.speed)

    def _stand_still(self) -> None:
        if self._reading is not None:
            self._reading = _Reading(self._at(0), 0.0, self._clock.monotonic())
