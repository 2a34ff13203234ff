"""Many executions at once and little money: exactly the calls that can be paid are made."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from agents.llm.budget import limits_for
from agents.llm.meter import METER, BudgetExceeded, Meter, MeteredStep
from agents.llm.views import SummaryView
from agents.prompt import load
from core.pipeline import PipelineSettings
from core.settings import Settings
from core.store import costs
from core.store.costs import Limit, Payer
from core.store.tables import cost_tracking, reservations
from tests.kit.agents_worker import InProcessWorker, make_worker
from tests.kit.agents_world import World, make_world
from tests.kit.llm_server import LlmServer

# CrewAI reads its own deprecated fields, and puts answers of another form into them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]

EXECUTIONS = 200
PIPELINES = 20
AFFORDABLE = 37
AT_ONCE = 16


@pytest.fixture
def server() -> Generator[LlmServer]:
    # Every answer costs exactly what was set aside for it: a dollar.
    made = LlmServer(output_tokens=1000).start()
    yield made
    made.close()


@pytest.fixture
def world(migrated: Settings, server: LlmServer) -> Generator[World]:
    """A user who may spend 37 dollars a day."""
    made = make_world(
        migrated.model_copy(
            update={
                "openai_api_key": SecretStr("sk-test"),
                "openai_base_url": server.url,
                "llm_model": "dollar",
                "llm_report_model": "dollar",
                "llm_prices": "dollar=0/1000",
                "llm_max_output_tokens": 1000,
                "budget_execution_usd": Decimal(100),
                "budget_daily_usd": Decimal(AFFORDABLE),
                "worker_threads": AT_ONCE,
                "lease_seconds": 600,
            }
        )
    )
    yield made
    made.close()


def test_of_200_executions_at_once_exactly_the_37_calls_that_can_be_paid_are_made(
    world: World, server: LlmServer
) -> None:
    worker = make_worker(world)
    pipelines = [
        world.pipeline(overlap="parallel", max_parallel=EXECUTIONS // PIPELINES, signal_ttl_seconds=3600)
        for _ in range(PIPELINES)
    ]
    payers = [
        Payer(
            user_id=world.user_id,
            pipeline_id=pipeline.id,
            execution_id=worker.admit(world.firing(pipeline)),
            node_id="bias",
        )
        for pipeline in pipelines
        for _ in range(EXECUTIONS // PIPELINES)
    ]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = Counter(threads.map(partial(_ask, worker), payers))
    worker.close()
    assert answers == {"answered": AFFORDABLE, "refused": EXECUTIONS - AFFORDABLE}
    assert len(server.calls) == AFFORDABLE
    limit = Limit(period="daily", limit_usd=world.settings.budget_daily_usd)
    with world.engine.connect() as tx:
        committed = costs.committed(tx, payers[0], limit, datetime.now(UTC))
    assert _books(world) == (AFFORDABLE, 0)
    assert committed == limit.limit_usd == AFFORDABLE


def _ask(worker: InProcessWorker, payer: Payer) -> str:
    """Make one call for an execution, metered as a step's is."""
    services = worker.process.runner.services
    limits = limits_for(services.settings, PipelineSettings(), [], pipeline_id=payer.pipeline_id)
    step = MeteredStep(payer, "bias_agent", 1)
    meter = Meter(step, services.engine, services.clock, worker.process.runner.prices, limits, threading.Event())
    METER.set(meter)
    try:
        services.providers.choose(None).complete(load("report/summary"), "{}", SummaryView, temperature=0)
    except BudgetExceeded:
        return "refused"
    finally:
        meter.close()
    return "answered"


def _books(world: World) -> tuple[Decimal, int]:
    """Return what the ledger says of tokens, USD, and how many reservations are open."""
    c = cost_tracking.c
    with world.engine.connect() as tx:
        spent = tx.execute(select(func.sum(c.amount_usd)).where(c.cost_type == "llm_tokens")).scalar_one()
        open_ = tx.execute(select(func.count()).where(reservations.c.settled_at.is_(None))).scalar_one()
    return Decimal(spent), int(open_)
