"""Where to begin reading a log whose stored offset may no longer fit it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import TapewatchError


class LogLost(TapewatchError):
    """The log is another one than the offsets are of: begin it anew, keep the engine's state."""


@dataclass(frozen=True, slots=True)
class Start:
    """`skipped` is how many records the log has dropped since the stored offset."""

    offset: int
    skipped: int = 0


def start_of(stored: int | None, low: int, high: int) -> Start:
    """Return where to read on from.

    Args:
        stored: The next offset to read, None where there is none.
        low, high: The first offset held and the one after the last.

    Raises:
        LogLost: the log is shorter than the offset; some brokers say nothing to such an `assign()`.
    """
    if stored is None:
        return Start(low)
    if stored > high:
        raise LogLost(f"the log ends at {high}, the stored offset is {stored}")
    if stored < low:
        return Start(low, skipped=low - stored)
    return Start(stored)
