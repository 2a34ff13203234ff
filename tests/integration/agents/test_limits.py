"""Each period of a limit at its edges: to the cent with 50 callers at once, to the millisecond where it begins."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from agents.admission import Admission
from core.settings import Settings
from core.store import costs
from core.store.costs import Limit, Payer, Period
from core.wire.records import CostRecord
from tests.kit.agents_world import World, make_world

CALLERS = 50
AFFORDABLE = 37
CENT = Decimal("0.01")
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def world(migrated: Settings) -> Generator[World]:
    made = make_world(migrated)
    yield made
    made.close()


def payer_of(world: World) -> Payer:
    """Return the payer of a new execution of a new pipeline of the world's user."""
    pipeline = world.pipeline()
    verdict = Admission(world.engine, world.settings, world.clock).admit(world.firing(pipeline))
    assert verdict.execution_id is not None, verdict
    return Payer(user_id=world.user_id, pipeline_id=pipeline.id, execution_id=verdict.execution_id, node_id="bias")


def limit_of(payer: Payer, period: Period, *, of_pipeline: bool = False) -> Limit:
    return Limit(period=period, limit_usd=CENT * AFFORDABLE, pipeline_id=payer.pipeline_id if of_pipeline else None)


def spend(world: World, payer: Payer, at: datetime, *, amount: Decimal = CENT) -> None:
    """Write a line into the ledger."""
    key = str(uuid4())
    line = CostRecord(
        cost_id=costs.cost_id(key),
        user_id=str(payer.user_id),
        execution_id=str(payer.execution_id),
        pipeline_id=str(payer.pipeline_id),
        node_id=payer.node_id,
        agent_type="bias_agent",
        cost_type="llm_tokens",
        at_ms=round(at.timestamp() * 1000),
        provider="openai",
        quantity=Decimal(1),
        unit_cost_usd=amount,
        amount_usd=amount,
    )
    with world.engine.begin() as tx:
        costs.add(tx, key, line)


def committed(world: World, payer: Payer, limit: Limit, at: datetime = NOON) -> Decimal:
    with world.engine.connect() as tx:
        return costs.committed(tx, payer, limit, at)


def reserved(world: World, payer: Payer, limit: Limit, amount: Decimal = CENT) -> UUID | None:
    """Set an amount aside; None where it does not fit."""
    made = uuid4()
    with world.engine.begin() as tx:
        refusal = costs.reserve(tx, made, payer, amount, [limit], at=NOON)
    return made if refusal is None else None


@pytest.mark.parametrize(
    ("period", "of_pipeline"), [("execution", False), ("daily", True), ("daily", False), ("monthly", False)]
)
def test_fifty_callers_at_once_get_what_the_limit_holds_to_the_cent(
    world: World, period: Period, of_pipeline: bool
) -> None:
    payer = payer_of(world)
    limit = limit_of(payer, period, of_pipeline=of_pipeline)

    def paid(_number: int) -> bool:
        return reserved(world, payer, limit) is not None

    with ThreadPoolExecutor(CALLERS) as threads:
        assert sum(threads.map(paid, range(CALLERS))) == AFFORDABLE
        assert committed(world, payer, limit) == limit.limit_usd
        assert not any(threads.map(paid, range(CALLERS)))


def test_a_call_that_fills_a_limit_exactly_is_made_and_the_least_more_is_not(world: World) -> None:
    payer = payer_of(world)
    limit = limit_of(payer, "daily")
    assert reserved(world, payer, limit, limit.limit_usd + Decimal("1e-10")) is None
    assert reserved(world, payer, limit, limit.limit_usd) is not None
    assert reserved(world, payer, limit, Decimal("1e-10")) is None


@pytest.mark.parametrize(
    ("period", "begins"),
    [("daily", NOON.replace(hour=0)), ("monthly", NOON.replace(day=1, hour=0))],
)
def test_a_period_counts_from_its_first_millisecond_and_nothing_before(
    world: World, period: Period, begins: datetime
) -> None:
    payer = payer_of(world)
    limit = limit_of(payer, period)
    spend(world, payer, begins - timedelta(milliseconds=1))
    assert committed(world, payer, limit) == 0
    spend(world, payer, begins)
    assert committed(world, payer, limit) == CENT


def test_other_executions_and_pipelines_count_for_the_user_and_not_for_this_one(world: World) -> None:
    payer, other = payer_of(world), payer_of(world)
    spend(world, other, NOON)
    assert reserved(world, other, limit_of(other, "monthly")) is not None
    assert committed(world, payer, limit_of(payer, "execution")) == 0
    assert committed(world, payer, limit_of(payer, "daily", of_pipeline=True)) == 0
    assert committed(world, payer, limit_of(payer, "daily")) == 2 * CENT
    assert committed(world, payer, limit_of(payer, "monthly")) == 2 * CENT


def test_money_that_the_ledger_says_is_spent_leaves_none_for_the_next_call(world: World) -> None:
    payer = payer_of(world)
    limit = limit_of(payer, "execution")
    spend(world, payer, NOON, amount=limit.limit_usd)
    assert reserved(world, payer, limit) is None
