"""Many chains at once and little money: exactly the calls that can be paid are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from core.settings import Settings
from core.store import costs
from core.store.costs import Limit, Payer
from core.store.tables import cost_tracking, reservations
from tests.kit.agents_worker import make_worker
from tests.kit.agents_world import World, make_world
from tests.kit.llm_server import LlmServer
from tests.kit.walk import ANSWERS

# CrewAI reads its own deprecated fields, and puts answers of another form into them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]

EXECUTIONS = 200
PIPELINES = 20
AFFORDABLE = 37
CALLS = 8
AT_ONCE = 16


@pytest.fixture
def server() -> Generator[LlmServer]:
    # Every answer costs exactly what was set aside for it: a dollar.
    made = LlmServer(values=dict(ANSWERS), output_tokens=1000).start()
    yield made
    made.close()


@pytest.fixture
def world(migrated: Settings, server: LlmServer) -> Generator[World]:
    """A user who may spend 37 dollars a day on models, and some cents on the rental of agents."""
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
                "budget_daily_usd": AFFORDABLE + Decimal("0.9"),
                "worker_threads": AT_ONCE,
                "lease_seconds": 600,
            }
        )
    )
    yield made
    made.close()


def test_of_200_chains_at_once_exactly_the_37_calls_that_can_be_paid_are_made(world: World, server: LlmServer) -> None:
    worker = make_worker(world)
    world.market()
    pipelines = [
        world.pipeline(overlap="parallel", max_parallel=EXECUTIONS // PIPELINES, signal_ttl_seconds=3600)
        for _ in range(PIPELINES)
    ]
    firings = [world.firing(pipeline) for pipeline in pipelines for _ in range(EXECUTIONS // PIPELINES)]
    ids = [worker.admit(firing) for firing in firings]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(worker.process.runner.run, ids))
    worker.close()

    assert len(server.calls) == AFFORDABLE
    assert _books(world) == (AFFORDABLE, 0)
    done = [execution for firing in firings if (execution := world.execution(firing)) is not None]
    assert Counter(e.status for e in done).keys() <= {"completed", "failed"}
    dry = [e for e in done if e.status == "failed"]
    # Eight calls make a chain: four can be paid for at most.
    assert len(done) == EXECUTIONS
    assert len(dry) >= EXECUTIONS - AFFORDABLE // CALLS
    for execution, firing in ((e, f) for e, f in zip(done, firings, strict=True) if e.status == "failed"):
        failed = [s for s in world.steps(firing).values() if s.status == "failed"]
        assert execution.reason == "budget"
        assert [s.error.partition(":")[0] for s in failed] == ["budget"]
        assert f"of {world.settings.budget_daily_usd} USD" in failed[0].error
    payer = Payer(user_id=world.user_id, pipeline_id=pipelines[0].id, execution_id=ids[0], node_id="bias")
    limit = Limit(period="daily", limit_usd=world.settings.budget_daily_usd)
    with world.engine.connect() as tx:
        committed = costs.committed(tx, payer, limit, datetime.now(UTC))
    assert sum((e.total_cost for e in done), Decimal(0)) == committed <= limit.limit_usd


def _books(world: World) -> tuple[Decimal, int]:
    """Return what the ledger says of tokens, USD, and how many reservations are open."""
    c = cost_tracking.c
    with world.engine.connect() as tx:
        spent = tx.execute(select(func.sum(c.amount_usd)).where(c.cost_type == "llm_tokens")).scalar_one()
        open_ = tx.execute(select(func.count()).where(reservations.c.settled_at.is_(None))).scalar_one()
    return Decimal(spent), int(open_)
