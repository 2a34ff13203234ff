"""The ledger and the budgets: a line for every call, and money set aside before one.

A line is written once: its key names execution, step, attempt and call. It leaves for topic `costs` by the
outbox, so a line in the ledger is never missing from the history. A reservation is checked and made while the
user's money lock is held, so two calls at once can never spend the same money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select, text, update
from sqlalchemy.dialects import postgresql

from core.clock import to_datetime
from core.store import outbox
from core.store.rows import columns, read_all
from core.store.tables import budgets, cost_tracking, reservations
from core.wire.records import CostRecord, encode

_LOCK_CLASS = 7_261_005
_NAMESPACE = UUID("0a7f7b62-2f6e-5d0b-8a5b-1f8e31d5d0c4")
_RESERVATION_LIFE = timedelta(minutes=10)
"""A reservation nobody settled (its worker died) binds no money after this."""

Period = Literal["execution", "daily", "monthly"]
_l = cost_tracking.c
_r = reservations.c
_b = budgets.c


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Most that may be spent. `pipeline_id` None: by all pipelines of the user together."""

    period: Period
    limit_usd: Decimal
    pipeline_id: UUID | None = None
    is_hard: bool = True


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a cost is charged to."""

    user_id: UUID
    pipeline_id: UUID
    execution_id: UUID
    node_id: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The limit that a call does not fit under, with what is spent and set aside already."""

    limit: Limit
    spent_usd: Decimal

    def __str__(self) -> str:
        what = "this execution" if self.limit.period == "execution" else f"{self.limit.period} spending"
        return f"budget: {what} is at {self.spent_usd:.6f} USD of {self.limit.limit_usd} USD"


class Low(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that most is spent of; `since` is when its period began, None for an execution's."""

    limit: Limit
    spent_usd: Decimal
    since: datetime | None


def cost_id(key: str) -> str:
    return str(uuid5(_NAMESPACE, key))


def add(tx: Connection, key: str, record: CostRecord, *, detail: Mapping[str, object] | None = None) -> bool:
    """Add a line to the ledger and to the outbox; False where the key is there already."""
    row = postgresql.insert(cost_tracking).values(
        id=UUID(record.cost_id),
        idempotency_key=key,
        user_id=UUID(record.user_id),
        execution_id=UUID(record.execution_id),
        pipeline_id=UUID(record.pipeline_id),
        node_id=record.node_id,
        agent_type=record.agent_type,
        cost_type=record.cost_type,
        provider=record.provider,
        model=record.model,
        status=record.status,
        quantity=record.quantity,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        cache_read_tokens=record.cache_read_tokens,
        unit_cost_usd=record.unit_cost_usd,
        amount_usd=record.amount_usd,
        detail=dict(detail or {}),
        at=to_datetime(record.at_ms),
    )
    if tx.execute(row.on_conflict_do_nothing().returning(_l.id)).first() is None:
        return False
    outbox.add(tx, "costs", record.user_id, encode(record))
    return True


def of_execution(tx: Connection, execution_id: UUID) -> Decimal:
    """Return what an execution has cost so far, USD."""
    query = select(func.coalesce(func.sum(_l.amount_usd), 0)).where(_l.execution_id == execution_id)
    return Decimal(tx.execute(query).scalar_one())


class StepUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What all attempts at a step came to. `llm_calls` counts failed ones too."""

    llm_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)


def of_step(tx: Connection, execution_id: UUID, node_id: str) -> StepUsage:
    """Return what the ledger says of a step."""
    query = select(
        func.count().filter(_l.cost_type == "llm_tokens").label("llm_calls"),
        func.coalesce(func.sum(_l.input_tokens), 0).label("input_tokens"),
        func.coalesce(func.sum(_l.output_tokens), 0).label("output_tokens"),
        func.coalesce(func.sum(_l.amount_usd), Decimal(0)).label("cost_usd"),
    ).where(_l.execution_id == execution_id, _l.node_id == node_id)
    return msgspec.convert(dict(tx.execute(query).mappings().one()), StepUsage)


def limits(tx: Connection, user_id: UUID, pipeline_id: UUID) -> list[Limit]:
    """Return the limits a user has set that bind this pipeline."""
    query = select(*columns(budgets, Limit)).where(
        _b.user_id == user_id, _b.pipeline_id.is_(None) | (_b.pipeline_id == pipeline_id)
    )
    return read_all(tx, query, Limit)


def reserve(
    tx: Connection, reservation_id: UUID, payer: Payer, amount_usd: Decimal, limits: Sequence[Limit], *, at: datetime
) -> Refusal | None:
    """Set money aside, or return the first hard limit it does not fit under and set nothing aside."""
    tx.execute(
        text("SELECT pg_advisory_xact_lock(:class, hashtext(:user))"),
        {"class": _LOCK_CLASS, "user": str(payer.user_id)},
    )
    for limit in limits:
        spent = committed(tx, payer, limit, at)
        if limit.is_hard and spent + amount_usd > limit.limit_usd:
            return Refusal(limit=limit, spent_usd=spent)
    tx.execute(
        insert(reservations).values(
            id=reservation_id,
            user_id=payer.user_id,
            execution_id=payer.execution_id,
            pipeline_id=payer.pipeline_id,
            node_id=payer.node_id,
            amount_usd=amount_usd,
            created_at=at,
            expires_at=at + _RESERVATION_LIFE,
        )
    )
    return None


def low(tx: Connection, payer: Payer, limits: Sequence[Limit], *, share: Decimal, at: datetime) -> list[Low]:
    """Return the hard limits of which at least this share is spent or set aside, and the soft ones that are reached."""
    found: list[Low] = []
    for limit in limits:
        spent = committed(tx, payer, limit, at)
        if spent >= limit.limit_usd * (share if limit.is_hard else 1):
            since = None if limit.period == "execution" else _start(limit.period, at)
            found.append(Low(limit=limit, spent_usd=spent, since=since))
    return found


def settle(tx: Connection, reservation_id: UUID, amount_usd: Decimal, at: datetime) -> None:
    """Replace what was set aside by what it came to; the line of the ledger counts from now on."""
    tx.execute(
        update(reservations)
        .where(_r.id == reservation_id, _r.settled_at.is_(None))
        .values(settled_usd=amount_usd, settled_at=at)
    )


class Abandoned(msgspec.Struct, frozen=True, kw_only=True):
    """What was set aside for a call by a worker that died before it could tell what became of it."""

    id: UUID
    user_id: UUID
    pipeline_id: UUID
    execution_id: UUID
    node_id: str
    amount_usd: Decimal


def settle_abandoned(tx: Connection, execution_id: UUID, at: datetime) -> list[Abandoned]:
    """Settle what is still set aside for an execution, at all of it; return that, for the ledger.

    Only for who has just taken the execution over: nobody else calls for it any more.
    """
    rows = tx.execute(
        update(reservations)
        .where(_r.execution_id == execution_id, _r.settled_at.is_(None))
        .values(settled_usd=_r.amount_usd, settled_at=at)
        .returning(_r.id, _r.user_id, _r.pipeline_id, _r.execution_id, _r.node_id, _r.amount_usd)
    )
    return [msgspec.convert(dict(row), Abandoned) for row in rows.mappings()]


def committed(tx: Connection, payer: Payer, limit: Limit, at: datetime) -> Decimal:
    """Return what counts against a limit: lines of the ledger and open reservations, USD."""
    ledger: list[ColumnElement[bool]] = [_l.user_id == payer.user_id]
    held: list[ColumnElement[bool]] = [
        _r.user_id == payer.user_id,
        _r.settled_at.is_(None),
        _r.expires_at > at,
    ]
    if limit.period == "execution":
        ledger.append(_l.execution_id == payer.execution_id)
        held.append(_r.execution_id == payer.execution_id)
    else:
        ledger.append(_l.at >= _start(limit.period, at))
    if limit.pipeline_id is not None:
        ledger.append(_l.pipeline_id == limit.pipeline_id)
        held.append(_r.pipeline_id == limit.pipeline_id)
    spent = select(func.coalesce(func.sum(_l.amount_usd), 0)).where(*ledger).scalar_subquery()
    open_ = select(func.coalesce(func.sum(_r.amount_usd), 0)).where(*held).scalar_subquery()
    # One statement, one snapshot: of a call that is settled between two, neither its line nor what was set aside
    # for it would be seen.
    return Decimal(tx.execute(select(spent + open_)).scalar_one())


def _start(period: Period, at: datetime) -> datetime:
    """Return when the period that contains a moment began, in UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if period == "monthly" else day
