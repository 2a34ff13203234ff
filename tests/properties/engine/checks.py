"""What must hold of every case; each check returns where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.engine import EngineConfig
from engine.layout import MARK_MS, MAX_MS
from tests.oracle.oracle import Oracle
from tests.oracle.records import Change, Mark, Record, Trade
from tests.properties.engine.cases import Case
from tests.properties.engine.driver import Driver, differences

Check = Callable[[Case], list[str]]
LIVE = EngineConfig()
OFFLINE = EngineConfig(is_offline=True)
LONGEST_MS = 20 * 60_000
"""An offline tape with a mark at every quarter of a second is played no longer than this."""


def stream_differs(case: Case) -> list[str]:
    """Compare the engine with the oracle, record by record as a live flow would give them."""
    oracle = Oracle()
    oracle.take_all(case.records)
    return _unless_tied(differences(Driver(LIVE).take_all(case.records), oracle.facts), oracle)


def parts_differ(case: Case, *, batch: int = 3, restore_every: int = 7) -> list[str]:
    """Compare the engine with itself: other batches, and a restored snapshot every few records."""
    whole = Driver(LIVE).take_all(case.records)
    parts = Driver(LIVE, batch=batch, restore_every=restore_every).take_all(case.records)
    return differences(parts, whole, relative=0.0)


def order_differs(case: Case) -> list[str]:
    """Compare the engine with itself: changes of different triggers at one place of the log, the other way round."""
    found: list[Record] = []
    changes: list[Change] = []
    for record in case.records:
        if isinstance(record, Change) and record.trigger_id not in {c.trigger_id for c in changes}:
            changes.append(record)
            continue
        found += reversed(changes)
        changes = [record] if isinstance(record, Change) else []
        found += [] if isinstance(record, Change) else [record]
    found += reversed(changes)
    one, other = Driver(LIVE).take_all(case.records), Driver(LIVE).take_all(found)
    # Holds that changes cut short are said change by change: the same ones in another order.
    for facts in (one, other):
        facts.suppressions.sort(key=lambda x: (x[1]["decided_ms"], x[1]["trigger_id"], x[1]["symbol"], x[0]))
    return differences(one, other, relative=0.0)


def offline_differs(case: Case) -> list[str]:
    """Compare a played file with the oracle, which takes a mark at every 250 ms of it (T24)."""
    changes = [r for r in case.records if isinstance(r, Change)]
    trades = [t for t in case.trades if not case.trades or t.ts_ms - case.trades[0].ts_ms < LONGEST_MS]
    oracle = Oracle(is_offline=True)
    oracle.take_all(changes)
    usable = [t.ts_ms for t in trades if 0 <= t.ts_ms < MAX_MS]
    if usable:
        oracle.start_schedules(usable[0])
    oracle.take_all(with_marks(trades))
    found: list[str] = []
    for chunk in (2, 65_536):
        found += differences(Driver(OFFLINE).play(changes, trades, chunk=chunk), oracle.facts)
    return _unless_tied(found, oracle)


def with_marks(trades: Sequence[Trade]) -> list[Record]:
    """Put a mark at every multiple of 250 ms of tape time, before the trades of its instant (T24)."""
    found: list[Record] = []
    mark: int | None = None
    for trade in trades:
        if 0 <= trade.ts_ms < MAX_MS:
            mark = -(-trade.ts_ms // MARK_MS) * MARK_MS if mark is None else mark
            while mark <= trade.ts_ms:
                found.append(Mark(mark, 0, "offline"))
                mark += MARK_MS
        found.append(trade)
    return found


def _unless_tied(found: list[str], oracle: Oracle) -> list[str]:
    """Leave out what two right programs may see differently (T19), and nothing else."""
    return [] if oracle.ties else found
