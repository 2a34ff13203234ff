"""What a pipeline does when most of a day's money is spent: tell, ask a cheaper model, or stop."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import pytest
from pydantic import SecretStr

from agents.admission import Admission
from core.store import costs, migrate, notifications
from core.store.pipelines import StoredPipeline
from core.wire.records import CostRecord
from tests.kit.agents_worker import InProcessWorker, make_worker
from tests.kit.agents_world import World, make_world
from tests.kit.llm_server import LlmServer
from tests.kit.stack import RunningStack

# CrewAI reads its own deprecated fields, and puts answers of another form into them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]


class Place(NamedTuple):
    world: World
    worker: InProcessWorker
    server: LlmServer


@pytest.fixture(scope="module")
def made(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    settings = stack.settings_for_a_test(tmp_path_factory.mktemp("low-budget"))
    migrate.run(settings)
    server = LlmServer().start()
    server.values = {"bias": "bullish", "trend": "bullish", "favours": "buy", "action": "buy", "entry_price": 64_000.0}
    world = make_world(
        settings.model_copy(
            update={"openai_api_key": SecretStr("sk-test"), "openai_base_url": server.url, "lease_seconds": 600}
        )
    )
    world.market()
    worker = make_worker(world)
    yield Place(world, worker, server)
    worker.close()
    server.close()
    world.close()
    stack.drop_databases(settings)


@pytest.fixture
def place(made: Place) -> Place:
    made.world.become_another_user()
    made.world.price(64_000.0)
    made.server.calls.clear()
    return made


def pipeline(place: Place, *, spent: str, on_low_budget: str, low_budget_pct: str = "80") -> StoredPipeline:
    """Save a pipeline with a dollar a day, of which so much is spent."""
    found = place.world.pipeline(
        overlap="parallel",
        max_parallel=5,
        budget_daily_usd="1",
        on_low_budget=on_low_budget,
        low_budget_pct=low_budget_pct,
    )
    execution_id = place.worker.admit(place.world.firing(found))
    spend(place, found, execution_id, Decimal(spent))
    return found


def spend(place: Place, of: StoredPipeline, execution_id: UUID, amount: Decimal) -> None:
    key = f"before/{execution_id}"
    line = CostRecord(
        cost_id=costs.cost_id(key),
        user_id=str(place.world.user_id),
        execution_id=str(execution_id),
        pipeline_id=str(of.id),
        node_id="bias",
        agent_type="bias_agent",
        cost_type="llm_tokens",
        at_ms=place.world.clock.now_ms(),
        provider="openai",
        quantity=Decimal(1),
        unit_cost_usd=amount,
        amount_usd=amount,
    )
    with place.world.engine.begin() as tx:
        costs.add(tx, key, line)


def models_of_crews(place: Place) -> set[str]:
    """Return the models that others than the report's author were asked by."""
    return {call.model for call in place.server.calls if call.schema != "SummaryView"}


def alarms(place: Place) -> list[str]:
    with place.world.engine.connect() as tx:
        return [n.title for n in notifications.page(tx, place.world.user_id) if n.kind == "alarm"]


@pytest.mark.parametrize("choice", ["notify", "cheaper_model"])
def test_while_there_is_enough_nothing_is_told_and_the_usual_model_is_asked(place: Place, choice: str) -> None:
    found = pipeline(place, spent="0.5", on_low_budget=choice)
    assert place.worker.run(place.world.firing(found)).status == "completed"
    assert models_of_crews(place) == {place.world.settings.llm_model}
    assert alarms(place) == []


def test_who_wants_to_be_told_is_told_once_a_day_and_goes_on(place: Place) -> None:
    found = pipeline(place, spent="0.8", on_low_budget="notify")
    for _ in range(2):
        assert place.worker.run(place.world.firing(found)).status == "completed"
    assert models_of_crews(place) == {place.world.settings.llm_model}
    assert alarms(place) == ["The daily budget runs low (this pipeline's limit)"]


def test_who_wants_a_cheaper_model_gets_the_one_of_reports_and_is_told(place: Place) -> None:
    found = pipeline(place, spent="0.8", on_low_budget="cheaper_model")
    assert place.worker.run(place.world.firing(found)).status == "completed"
    assert len(place.server.calls) > 3
    assert {call.model for call in place.server.calls} == {place.world.settings.llm_report_model}
    assert len(alarms(place)) == 1


def test_a_share_of_ones_own_is_where_low_begins(place: Place) -> None:
    found = pipeline(place, spent="0.5", on_low_budget="cheaper_model", low_budget_pct="50")
    assert place.worker.run(place.world.firing(found)).status == "completed"
    assert models_of_crews(place) == {place.world.settings.llm_report_model}


def test_who_wants_to_stop_starts_nothing_more_from_there_on(place: Place) -> None:
    found = pipeline(place, spent="0.8", on_low_budget="stop")
    world = place.world
    verdict = Admission(world.engine, world.settings, world.clock).admit(world.firing(found))
    assert verdict.execution_id is None
    assert [s.reason for s in verdict.suppressions] == ["budget"]
    assert place.server.calls == []


def test_who_wants_to_stop_makes_no_call_that_may_go_beyond(place: Place) -> None:
    found = pipeline(place, spent="0.7999", on_low_budget="stop")
    done = place.worker.run(place.world.firing(found))
    assert done.status == "failed"
    assert "budget: daily spending" in done.error
    assert "of 0.8 USD" in done.error
    assert place.server.calls == []
