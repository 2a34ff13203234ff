"""Executions and their steps: born of a firing, held under a lease, moved on one transaction a step.

Whoever works on an execution holds its lease: a random owner and an end, by Postgres' own clock, so that two
machines with different clocks agree. Every write of the worker names the owner and raises `LeaseLost` when the
lease has gone to another: what a slow worker still says is then not believed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Text, cast, func, literal, or_, select, text, update
from sqlalchemy.dialects import postgresql

from core.errors import TapewatchError
from core.identity import execution_id_of
from core.store.rows import columns, read_all, read_first
from core.store.tables import pipeline_executions, step_executions, suppressions
from engine.firing import Firing, SuppressionReason

# Class of the advisory locks that keep two executions of one pipeline from starting at the same moment.
_LOCK_CLASS = 7_261_004

Status = Literal["queued", "running", "waiting_approval", "completed", "failed", "cancelled", "suppressed"]
StepStatus = Literal["pending", "running", "completed", "failed", "skipped"]
UNFINISHED: tuple[Status, ...] = ("queued", "running", "waiting_approval")
_c = pipeline_executions.c
_s = step_executions.c


class LeaseLost(TapewatchError):
    """Another worker has taken the execution over, or it was cancelled. Stop, and write nothing."""


class StoredExecution(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    firing_id: UUID
    pipeline_id: UUID
    user_id: UUID
    pipeline_version: int
    trigger_id: str
    trigger_version: int
    symbol: str
    firing: dict[str, object]
    status: Status
    reason: str
    current_step: str
    state: dict[str, object]
    attempt: int
    lease_owner: str
    lease_until: datetime | None
    pick_up_by: datetime | None
    error: str
    total_cost: Decimal
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def fact(self) -> Firing:
        """Return the firing that started it."""
        return msgspec.convert(self.firing, Firing)


class StoredStep(msgspec.Struct, frozen=True, kw_only=True):
    execution_id: UUID
    node_id: str
    position: int
    agent_type: str
    status: StepStatus
    attempt: int
    output: dict[str, object] | None
    summary: str
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    runtime_ms: int
    input_tokens: int
    output_tokens: int
    llm_calls: int
    api_calls: int
    provider: str
    model: str
    cost_usd: Decimal


class StepEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a step. Tokens, calls and cost are those of all its attempts together."""

    status: StepStatus
    summary: str = ""
    error: str = ""
    output: dict[str, object] | None = None
    runtime_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    llm_calls: int = 0
    api_calls: int = 0
    provider: str = ""
    model: str = ""
    cost_usd: Decimal = Decimal(0)


def id_of(firing_id: str) -> UUID:
    """Return the id of the one execution a firing may have."""
    return execution_id_of(firing_id)


# ---- the dispatcher -------------------------------------------------------------------------------------------


def is_known(tx: Connection, firing_id: UUID) -> bool:
    """Return whether a firing was dealt with before, run or suppressed."""
    ran = select(literal(1)).where(_c.firing_id == firing_id)
    held = select(literal(1)).where(suppressions.c.firing_id == firing_id)
    return tx.execute(ran.union_all(held)).first() is not None


def add(
    tx: Connection, firing: Firing, *, user_id: UUID, pipeline_version: int, pick_up_by: datetime | None, at: datetime
) -> UUID | None:
    """Insert the execution of a firing: the commit point. Return its id, None where there was one already."""
    execution_id = id_of(firing.firing_id)
    row = postgresql.insert(pipeline_executions).values(
        id=execution_id,
        firing_id=UUID(firing.firing_id),
        pipeline_id=UUID(firing.pipeline_id),
        user_id=user_id,
        pipeline_version=pipeline_version,
        trigger_id=firing.trigger_id,
        trigger_version=firing.trigger_version,
        symbol=firing.symbol,
        firing=_json(firing),
        status="queued",
        pick_up_by=pick_up_by,
        created_at=at,
        updated_at=at,
    )
    added = tx.execute(row.on_conflict_do_nothing().returning(_c.id)).first()
    return execution_id if added else None


def add_suppression(
    tx: Connection,
    firing: Firing,
    reason: SuppressionReason,
    *,
    user_id: UUID | None,
    detail: str,
    at: datetime,
) -> bool:
    """Record that a firing starts nothing; False where that was known."""
    row = postgresql.insert(suppressions).values(
        firing_id=UUID(firing.firing_id),
        pipeline_id=UUID(firing.pipeline_id),
        user_id=user_id,
        trigger_id=firing.trigger_id,
        symbol=firing.symbol,
        reason=reason,
        detail=detail,
        firing=_json(firing),
        at=at,
    )
    return tx.execute(row.on_conflict_do_nothing().returning(suppressions.c.firing_id)).first() is not None


def hold_pipeline(tx: Connection, pipeline_id: UUID) -> None:
    """Let nobody else decide about firings of this pipeline until the transaction ends."""
    tx.execute(
        text("SELECT pg_advisory_xact_lock(:class, hashtext(:key))"), {"class": _LOCK_CLASS, "key": str(pipeline_id)}
    )


def unfinished(tx: Connection, pipeline_id: UUID, symbol: str) -> list[StoredExecution]:
    """Return what is queued or at work for a pipeline and symbol, the oldest first."""
    query = select(*columns(pipeline_executions, StoredExecution)).where(
        _c.pipeline_id == pipeline_id, _c.symbol == symbol, _c.status.in_(UNFINISHED)
    )
    return read_all(tx, query.order_by(_c.created_at, _c.id), StoredExecution)


def count_decided(tx: Connection, trigger_id: str, pipeline_id: UUID, *, after_ms: int, since: datetime) -> int:
    """Return how many firings of a trigger were decided after a moment of feed time, suppressed ones too.

    Args:
        since: Only those recorded after this, so that a pipeline that was resumed starts anew.
    """
    total = 0
    for table, at in ((pipeline_executions, _c.created_at), (suppressions, suppressions.c.at)):
        newest = (
            select(cast(table.c.firing["decided_ms"].astext, Text).label("decided_ms"))
            .where(table.c.pipeline_id == pipeline_id, table.c.trigger_id == trigger_id, at > since)
            .order_by(at.desc())
            .limit(50)
        )
        total += sum(int(row[0]) > after_ms for row in tx.execute(newest))
    return total


def suppress_queued(tx: Connection, execution_id: UUID, reason: SuppressionReason, at: datetime) -> bool:
    """End an execution that has not begun; False where it has."""
    done = tx.execute(
        update(pipeline_executions)
        .where(_c.id == execution_id, _c.status == "queued", _c.attempt == 0)
        .values(status="suppressed", reason=reason, finished_at=at, updated_at=at)
    )
    return done.rowcount == 1


# ---- the lease ------------------------------------------------------------------------------------------------


def take(
    tx: Connection, execution_id: UUID, owner: str, *, lease_s: int, alone: bool = False
) -> StoredExecution | None:
    """Take the lease of an unfinished execution; None where it is finished, or another holds it.

    Args:
        alone: Only when no other execution of this pipeline and symbol is at work (overlap "queue").
    """
    found = get(tx, execution_id)
    if found is None or found.status not in ("queued", "running"):
        return None
    if alone:
        hold_pipeline(tx, found.pipeline_id)
        if any(e.status == "running" and e.id != execution_id for e in unfinished(tx, found.pipeline_id, found.symbol)):
            return None
    taken = tx.execute(
        update(pipeline_executions)
        .where(
            _c.id == execution_id,
            _c.status.in_(("queued", "running")),
            or_(_c.lease_until.is_(None), _c.lease_until < func.now()),
        )
        .values(
            status="running",
            attempt=_c.attempt + 1,
            lease_owner=owner,
            lease_until=_from_now(lease_s),
            started_at=func.coalesce(_c.started_at, func.now()),
            updated_at=func.now(),
        )
    )
    return get(tx, execution_id) if taken.rowcount == 1 else None


def renew(tx: Connection, owners: Collection[str], *, lease_s: int) -> set[str]:
    """Lengthen the leases of these owners; return those that still hold one."""
    rows = tx.execute(
        update(pipeline_executions)
        .where(_c.lease_owner.in_(owners), _c.status == "running")
        .values(lease_until=_from_now(lease_s))
        .returning(_c.lease_owner)
    )
    return {row[0] for row in rows}


def release(tx: Connection, owners: Collection[str]) -> None:
    """Give leases back before their end, so that another worker may go on at once."""
    tx.execute(
        update(pipeline_executions)
        .where(_c.lease_owner.in_(owners), _c.status == "running")
        .values(lease_until=None, lease_owner="")
    )


def owners(tx: Connection, prefix: str) -> list[str]:
    """Return the owners of running leases that begin with a prefix: those of one machine."""
    query = select(_c.lease_owner).where(_c.status == "running", _c.lease_owner.startswith(prefix, autoescape=True))
    return [row[0] for row in tx.execute(query)]


def overdue(tx: Connection, *, queued_s: int, limit: int = 100) -> list[UUID]:
    """Return executions nobody works on: the lease ran out, or queued this long without having begun."""
    query = (
        select(_c.id)
        .where(
            or_(
                (_c.status == "running") & or_(_c.lease_until.is_(None), _c.lease_until < func.now()),
                (_c.status == "queued") & (_c.updated_at < func.now() - _seconds(queued_s)),
            )
        )
        .order_by(_c.created_at)
        .limit(limit)
    )
    return [row[0] for row in tx.execute(query)]


# ---- the worker -----------------------------------------------------------------------------------------------


def plan_steps(tx: Connection, execution_id: UUID, nodes: Sequence[tuple[str, str]]) -> None:
    """Record the steps to come, (node id, agent type) in order; those already there stay."""
    rows = [
        {"execution_id": execution_id, "node_id": node_id, "position": i, "agent_type": agent_type}
        for i, (node_id, agent_type) in enumerate(nodes)
    ]
    tx.execute(postgresql.insert(step_executions).on_conflict_do_nothing(), rows)


def steps(tx: Connection, execution_id: UUID) -> list[StoredStep]:
    query = select(*columns(step_executions, StoredStep)).where(_s.execution_id == execution_id)
    return read_all(tx, query.order_by(_s.position), StoredStep)


def begin_step(tx: Connection, execution_id: UUID, owner: str, node_id: str, at: datetime) -> int:
    """Mark a step as running and return the number of this attempt, from 1.

    Raises:
        LeaseLost: the execution is no longer this owner's.
    """
    _fence(tx, execution_id, owner, current_step=node_id)
    return tx.execute(
        update(step_executions)
        .where(_s.execution_id == execution_id, _s.node_id == node_id)
        .values(status="running", attempt=_s.attempt + 1, started_at=func.coalesce(_s.started_at, at), error="")
        .returning(_s.attempt)
    ).scalar_one()


def end_step(
    tx: Connection,
    execution_id: UUID,
    owner: str,
    node_id: str,
    end: StepEnd,
    *,
    state: dict[str, object],
    at: datetime,
) -> None:
    """Record what became of a step and the state after it, together.

    Raises:
        LeaseLost: the execution is no longer this owner's.
    """
    _fence(tx, execution_id, owner, current_step="", state=state)
    tx.execute(
        update(step_executions)
        .where(_s.execution_id == execution_id, _s.node_id == node_id)
        .values(finished_at=at, **msgspec.structs.asdict(end))
    )


def finish(
    tx: Connection,
    execution_id: UUID,
    owner: str,
    status: Status,
    *,
    at: datetime,
    total_cost: Decimal,
    error: str = "",
    reason: str = "",
) -> None:
    """End an execution.

    Raises:
        LeaseLost: it is no longer this owner's.
    """
    _fence(
        tx,
        execution_id,
        owner,
        status=status,
        error=error,
        reason=reason,
        total_cost=total_cost,
        current_step="",
        finished_at=at,
        lease_owner="",
        lease_until=None,
    )


def next_queued(tx: Connection, pipeline_id: UUID, symbol: str) -> UUID | None:
    """Return the oldest execution that waits for its turn."""
    return next((e.id for e in unfinished(tx, pipeline_id, symbol) if e.status == "queued"), None)


def get(tx: Connection, execution_id: UUID) -> StoredExecution | None:
    """Return an execution whoever's it is: for processes, never for a request."""
    query = select(*columns(pipeline_executions, StoredExecution)).where(_c.id == execution_id)
    return read_first(tx, query, StoredExecution)


def _fence(tx: Connection, execution_id: UUID, owner: str, **values: object) -> None:
    held = tx.execute(
        update(pipeline_executions)
        .where(_c.id == execution_id, _c.lease_owner == owner, _c.status == "running")
        .values(updated_at=func.now(), **values)
    )
    if held.rowcount != 1:
        raise LeaseLost(f"execution {execution_id} is no longer held by this worker")


def _json(firing: Firing) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(firing)
    return plain


def _seconds(count: int) -> object:
    return func.make_interval(0, 0, 0, 0, 0, 0, count)


def _from_now(count: int) -> object:
    return func.now() + _seconds(count)
