"""What stands between an edge and a Firing: the gates of T9, in their order, and their memory."""

from __future__ import annotations

from engine import layout as at
from engine.firing import SuppressionReason
from engine.matcher import ArmedTrigger
from engine.tables import Tables


def is_expired(tables: Tables, armed: ArmedTrigger, decided_ms: int) -> bool:
    """Return whether the trigger's life has ended (T10)."""
    spec = armed.spec
    if spec.valid_until_ms is not None and decided_ms >= spec.valid_until_ms:
        return True
    return bool(spec.max_firings) and int(tables.gi[armed.row, at.G_FIRED]) >= spec.max_firings


def closed_gate(
    tables: Tables, armed: ArmedTrigger, *, decided_ms: int, candle_ms: int, session_ms: int
) -> SuppressionReason | None:
    """Return the first gate that is closed, None when the trigger may fire.

    Args:
        decided_ms: Decision time; gates count by it.
        candle_ms: Start of the candle of the trigger's timeframe that holds the firing trade.
        session_ms: Open of the session, or UTC midnight, at or before the decision.
    """
    spec, row = armed.spec, tables.gi[armed.row]
    if is_expired(tables, armed, decided_ms):
        return "expired"
    if spec.kind in ("price", "technical"):
        if row[at.G_COMPLETED]:
            return "completed"
        if spec.fire == "once_per_candle" and row[at.G_CANDLE] == candle_ms:
            return "once_per_candle"
        if spec.rearm == "manual" and row[at.G_REARM] != at.UNSET:
            return "rearm"
        if spec.rearm == "next_session" and row[at.G_REARM] == session_ms:
            return "rearm"
    last = int(row[at.G_LAST_DECIDED])
    if spec.cooldown_ms and last != at.UNSET and decided_ms - last < spec.cooldown_ms:
        return "cooldown"
    cap = spec.max_firings_per_session
    if cap and row[at.G_SESSION] == session_ms and row[at.G_SESSION_FIRED] >= cap:
        return "cap"
    return None


def remember_firing(tables: Tables, armed: ArmedTrigger, *, decided_ms: int, candle_ms: int, session_ms: int) -> None:
    """Write a Firing into the gates' memory."""
    row = tables.gi[armed.row]
    row[at.G_LAST_DECIDED] = decided_ms
    row[at.G_CANDLE] = candle_ms
    row[at.G_FIRED] += 1
    if row[at.G_SESSION] != session_ms:
        row[at.G_SESSION], row[at.G_SESSION_FIRED] = session_ms, 0
    row[at.G_SESSION_FIRED] += 1
    row[at.G_REARM] = session_ms
    if armed.spec.fire == "once" and armed.spec.kind in ("price", "technical"):
        row[at.G_COMPLETED] = 1


def carry_over(tables: Tables, old: dict[str, tuple[int, int, int]], armed: ArmedTrigger) -> None:
    """Give a new version the cooldown and session cap of the one before (T31)."""
    known = old.get(armed.symbol)
    if known is not None:
        row = tables.gi[armed.row]
        row[at.G_LAST_DECIDED], row[at.G_SESSION], row[at.G_SESSION_FIRED] = known


def memory_of(tables: Tables, armed: ArmedTrigger) -> tuple[int, int, int]:
    """Return what `carry_over` hands on."""
    row = tables.gi[armed.row]
    return int(row[at.G_LAST_DECIDED]), int(row[at.G_SESSION]), int(row[at.G_SESSION_FIRED])
