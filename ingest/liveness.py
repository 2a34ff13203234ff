"""Whether the stream speaks: when each symbol was last heard, how often it trades, and when all fall silent (T20).

A socket can be open, and ping, and carry no trades for hours. One silent symbol says nothing; five that trade every
other second and are silent at once do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.clock import Clock
from ingest.hours import Hours

LIQUID_A_MINUTE = 30.0
"""A symbol that trades this often lately is liquid: five of them are silent for 10 s once in e^25 times."""
LEAST_LIQUID = 5
MUTE_S = 10.0
QUIET_S = 60.0
_MEMORY_S = 60.0


@dataclass(slots=True)
class Voice:
    """What was heard of one symbol. Seconds are of the monotonic clock.

    since      it is subscribed on this connection, None while it is not
    heard      its last trade came; -inf while there was none
    ts_ms      exchange time of that trade, 0 while there was none
    a_minute   trades a minute lately, weighted by e^(-age/60 s); stands still while nothing at all is heard
    """

    since: float | None = None
    heard: float = -math.inf
    ts_ms: int = 0
    a_minute: float = 0.0
    new: int = 0


class Liveness:
    """`trades` takes what arrives; `look`, about once a second, judges. Times are of receipt, not of the exchange."""

    def __init__(self, clock: Clock, hours: Hours) -> None:
        self._clock = clock
        self._hours = hours
        self._voices: dict[str, Voice] = {}
        self._connected = clock.monotonic()
        self._looked = clock.monotonic()
        self._heard = -math.inf
        self._heard_feed_ms = 0
        self._is_mute = False

    @property
    def voices(self) -> Mapping[str, Voice]:
        """The wanted symbols as of the last look, and what has traded since."""
        return self._voices

    @property
    def is_mute(self) -> bool:
        """Whether the liquid symbols fell silent and no trade has come since, on this connection or another."""
        return self._is_mute

    @property
    def heard_feed_ms(self) -> int:
        """Feed time at which the last trade of all came, 0 while there was none."""
        return self._heard_feed_ms

    def mute_ms(self) -> int:
        """Return for how long nothing has been heard, 0 while the stream is not mute."""
        return int((self._clock.monotonic() - self._heard) * 1000) if self._is_mute else 0

    def connected(self) -> None:
        """Begin anew on another connection: silence counts from here, a mute feed stays mute until it speaks."""
        self._connected = self._clock.monotonic()
        for voice in self._voices.values():
            voice.since = None

    def trades(self, last_by_symbol: Mapping[str, tuple[int, int]], *, feed_ms: int) -> None:
        """Take the trades of one frame: of each symbol how many, and the exchange time of the last."""
        if not last_by_symbol:
            return
        now = self._clock.monotonic()
        self._heard, self._heard_feed_ms, self._is_mute = now, feed_ms, False
        for symbol, (count, ts_ms) in last_by_symbol.items():
            voice = self._voices.setdefault(symbol, Voice())
            voice.heard, voice.ts_ms = now, ts_ms
            voice.new += count

    def look(self, wanted: Iterable[str], subscribed: Collection[str], *, feed_ms: int) -> bool:
        """Judge what was heard since the last look; return whether this connection is mute and should be renewed.

        Args:
            wanted: Symbols with a slot; of others nothing is remembered.
            subscribed: Those that this connection was asked for by now, none while there is no connection.
        """
        now = self._clock.monotonic()
        self._voices = {s: self._voices.get(s) or Voice() for s in wanted}
        for symbol, voice in self._voices.items():
            if symbol not in subscribed:
                voice.since = None
            elif voice.since is None:
                voice.since = now
        self._learn(now)
        liquid = [v for s, v in self._voices.items() if v.a_minute >= LIQUID_A_MINUTE and self._is_at_work(s, feed_ms)]
        if len(liquid) < LEAST_LIQUID:
            self._is_mute = False  # nobody is expected to speak
            return False
        if now - max(self._heard, self._connected) <= MUTE_S:
            return False
        if sum(v.since is not None and now - v.since > MUTE_S for v in liquid) < LEAST_LIQUID:
            return False
        self._is_mute = True
        return True

    def is_quiet(self, symbol: str) -> bool:
        """Return whether a symbol has had no trade for a minute, or none yet."""
        voice = self._voices.get(symbol)
        return voice is None or self._clock.monotonic() - voice.heard > QUIET_S

    def _learn(self, now: float) -> None:
        """Let the rates forget, except while nothing is heard: a mute feed does not make its symbols illiquid."""
        keep = math.exp(-(now - self._looked) / _MEMORY_S)
        self._looked = now
        if not any(voice.new for voice in self._voices.values()):
            return
        for voice in self._voices.values():
            voice.a_minute = voice.a_minute * keep + voice.new
            voice.new = 0

    def _is_at_work(self, symbol: str, feed_ms: int) -> bool:
        opened = self._hours.open_since(symbol, "regular", feed_ms)
        return opened is not None and feed_ms - opened > MUTE_S * 1000
