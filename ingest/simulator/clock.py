"""The player's clock: wall clock times speed from a start, kept in a file so that a restart never goes back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.clock import Clock

KEEP_S = 1.0
"""How often the time is written down."""
_RESERVE = 3
"""A killed player starts this many such intervals after the last one written down."""


class Kept(msgspec.Struct, frozen=True):
    """`now_ms` was never passed; `offset_ms` is what a recording's times are moved by, None where nothing is."""

    now_ms: int
    offset_ms: int | None = None


class PlayerTime:
    """Starts at the wall clock's time, or after where it was when that is later."""

    def __init__(self, clock: Clock, *, speed: float, state: Path | None, start_ms: int | None = None) -> None:
        self._clock = clock
        self.speed = speed
        self._state = state
        kept = _read(state)
        self.offset_ms = kept.offset_ms if kept else None
        base = clock.now_ms() if start_ms is None else start_ms
        self._base_ms = base if kept is None else max(base if start_ms is None else 0, kept.now_ms)
        self._began = clock.monotonic()
        self.is_held = False

    def hold(self) -> None:
        """Stand still until released."""
        self._base_ms, self.is_held = self.now_ms(), True

    def release(self) -> None:
        """Go on from where it stands."""
        self._began, self.is_held = self._clock.monotonic(), False

    def now_ms(self) -> int:
        if self.is_held:
            return self._base_ms
        return self._base_ms + int((self._clock.monotonic() - self._began) * 1000 * self.speed)

    def keep(self) -> None:
        """Write down a time that will not be passed before the next writing: even a killed player never goes back.

        Raises:
            OSError: the file cannot be written.
        """
        self._write(self.now_ms() + int(_RESERVE * KEEP_S * 1000 * self.speed))

    def close(self) -> None:
        """Write down where the time stands, so that the next start goes on right there.

        Raises:
            OSError: the file cannot be written.
        """
        self._write(self.now_ms() + 1)

    def _write(self, now_ms: int) -> None:
        if self._state is None:
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        # By a second name, so that a torn write is impossible.
        temporary = self._state.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(Kept(now_ms, self.offset_ms)))
        temporary.replace(self._state)


def _read(state: Path | None) -> Kept | None:
    if state is None:
        return None
    try:
        return msgspec.json.decode(state.read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return None
