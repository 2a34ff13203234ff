"""What stands between an edge and a Firing, asked from Python: the gates of T9 are `engine.kernels_decide`'s."""

from __future__ import annotations

from engine import kernels_decide
from engine import layout as at
from engine.firing import SuppressionReason
from engine.roster import ArmedTrigger
from engine.tables import Tables

REASONS: tuple[SuppressionReason | None, ...] = (
    None, "baseline", "hold", "expired", "completed", "once_per_candle", "rearm", "cooldown", "cap",
)  # fmt: skip
"""By number, R_... of `engine.layout`; the first is no reason not to fire."""


def is_expired(tables: Tables, armed: ArmedTrigger, decided_ms: int) -> bool:
    """Return whether the trigger's life has ended (T10)."""
    return kernels_decide.is_expired(tables.gi, tables.policies, armed.row, decided_ms)


def is_completed(tables: Tables, armed: ArmedTrigger) -> bool:
    """Return whether a trigger that fires once has done so (T6)."""
    return kernels_decide.is_completed(tables.gi, tables.policies, armed.row)


def session_at(tables: Tables, b: int, ts_ms: int) -> int:
    """Return the open of the block's session at or before a time; of a 24/7 symbol its UTC midnight."""
    return int(kernels_decide.session_at(tables.bi, tables.sessions, b, ts_ms))


def closed_gate(tables: Tables, armed: ArmedTrigger, *, decided_ms: int, session_ms: int) -> SuppressionReason | None:
    """Return the first gate that is closed for a time or news trigger, None when it may fire.

    Args:
        decided_ms: Decision time; gates count by it.
        session_ms: Open of the session, or UTC midnight, at or before the decision.
    """
    t = tables
    return REASONS[
        kernels_decide.closed_gate(
            t.gi, t.gt, t.bi, t.policies, t.sessions, armed.row, decided_ms, at.UNSET, session_ms
        )
    ]


def remember_firing(tables: Tables, armed: ArmedTrigger, *, decided_ms: int, session_ms: int) -> None:
    """Write the Firing of a time or news trigger into the gates' memory."""
    t = tables
    kernels_decide.remember_firing(t.gi, t.gt, t.bi, t.sessions, armed.row, decided_ms, at.UNSET, session_ms)


def pass_gates(tables: Tables, armed: ArmedTrigger, *, decided_ms: int) -> int:
    """Let a trigger with a condition fire, and remember it (R_FIRES), or return the number of the closed gate."""
    t = tables
    return int(kernels_decide.pass_gates(t.gi, t.gt, t.bi, t.policies, t.sessions, armed.row, decided_ms))


def carry_over(tables: Tables, old: dict[str, tuple[int, int, int]], armed: ArmedTrigger) -> None:
    """Give a new version the cooldown and session cap of the one before (T31)."""
    known = old.get(armed.symbol)
    if known is not None:
        decided, session, fired = known
        tables.gt[armed.row] = decided
        # In the hours of another session its sessions begin anew.
        is_same = decided == at.UNSET or session_at(tables, armed.block, decided) == session
        tables.gi[armed.row, at.G_SESSION_FIRED] = fired if is_same else 0


def memory_of(tables: Tables, armed: ArmedTrigger) -> tuple[int, int, int]:
    """Return what `carry_over` hands on."""
    decided = int(tables.gt[armed.row])
    session = session_at(tables, armed.block, decided) if decided != at.UNSET else at.UNSET
    return decided, session, int(tables.gi[armed.row, at.G_SESSION_FIRED])
