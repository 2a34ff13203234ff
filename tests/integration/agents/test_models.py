"""The chain on CrewAI's real client against a server that speaks OpenAI's protocol; and a worker that is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import select

from core.settings import Settings
from core.store.tables import cost_tracking, reservations
from engine.firing import Firing
from tests.kit.agents_world import BEAT, DISPATCHER, WORKER, World, make_world
from tests.kit.llm_server import LlmServer
from tests.kit.waiting import wait_until


@pytest.fixture
def server() -> Generator[LlmServer]:
    values: dict[str, object] = {
        "bias": "bullish",
        "trend": "bullish",
        "favours": "buy",
        "action": "buy",
        "entry_price": 64_000.0,
        "level": None,
        "invalidation_level": None,
    }
    made = LlmServer(values=values).start()  # pyright: ignore[reportArgumentType]
    yield made
    made.close()


@pytest.fixture
def world(migrated: Settings, server: LlmServer) -> Generator[World]:
    """A world with a key, whose server is the test's."""
    own = {"openai_api_key": "sk-test", "openai_base_url": server.url, "lease_seconds": 5}
    made = make_world(migrated.model_copy(update={**own, "openai_api_key": type(migrated.openai_api_key)("sk-test")}))
    made.market()
    yield made
    made.close()


def test_tokens_and_cost_are_those_the_server_reported(world: World, server: LlmServer, tmp_path: Path) -> None:
    with _platform(world, tmp_path):
        firing = world.firing(world.pipeline())
        world.publish(firing)
        done = world.wait_for_end(firing)
        # Once more, with every kind of trouble on the way.
        server.script.extend(["500", "429", "schema_violation"])
        troubled = world.firing(world.pipeline(max_retries=3))
        world.publish(troubled)
        again = world.wait_for_end(troubled)
    assert done.status == "completed", done.error
    assert again.status == "completed", again.error
    steps = world.steps(firing)
    assert [(n, s.llm_calls) for n, s in steps.items() if s.llm_calls] == [("bias", 3), ("strategy", 4), ("report", 1)]
    assert (steps["bias"].provider, steps["bias"].model) == ("openai", "gpt-5-mini")
    with world.engine.connect() as tx:
        c = cost_tracking.c
        rows = tx.execute(
            select(c.model, c.status, c.input_tokens, c.output_tokens, c.cache_read_tokens, c.amount_usd).where(
                c.cost_type == "llm_tokens"
            )
        ).all()
        unsettled = tx.execute(select(reservations.c.id).where(reservations.c.settled_at.is_(None))).all()
    seen = [(x.model, x.status, x.input_tokens, x.output_tokens, x.cached_tokens) for x in server.calls]
    assert sorted(tuple(row[:5]) for row in rows) == sorted(seen)
    assert all((row[5] > 0) == (row[1] == 200) for row in rows)
    assert unsettled == []


def test_a_killed_worker_is_taken_over_and_no_step_or_order_is_done_twice(
    world: World, server: LlmServer, tmp_path: Path
) -> None:
    server.delay_s = 0.7
    firing = world.firing(world.pipeline(signal_ttl_seconds=3600))
    with contextlib.ExitStack() as processes:
        for arguments, name in ((DISPATCHER, "dispatcher"), (BEAT, "beat")):
            world.wait_until_ready(name, processes.enter_context(world.process(arguments, tmp_path)))
        with world.process(WORKER, tmp_path) as worker:
            world.wait_until_ready("worker", worker)
            world.publish(firing)
            wait_until(lambda: _is_at(world, firing, "bias", server), timeout_s=60, what="the bias step is at work")
            worker.kill()
        with world.process(WORKER, tmp_path) as worker:
            done = world.wait_for_end(firing)
    steps = world.steps(firing)
    assert done.status == "completed", done.error
    assert done.attempt == 2
    attempts = {name: step.attempt for name, step in steps.items()}
    assert attempts == {
        "trigger": 1, "market-data": 1, "bias": 2, "strategy": 1, "risk": 1, "trade": 1, "report": 1,
    }  # fmt: skip
    assert sum(o.leg == "entry" for o in world.orders(firing)) == 1


def test_a_step_over_the_budget_stops_the_execution_before_the_call(
    world: World, server: LlmServer, tmp_path: Path
) -> None:
    with _platform(world, tmp_path):
        firing = world.firing(world.pipeline(budget_execution_usd="0.0105"))
        world.publish(firing)
        done = world.wait_for_end(firing)
    assert (done.status, done.reason) == ("failed", "budget")
    assert 1 <= len(server.calls) < 7
    assert done.total_cost < 1
    skipped = [n for n, s in world.steps(firing).items() if s.status == "skipped"]
    assert "report" in skipped
    assert world.orders(firing) == []


@contextlib.contextmanager
def _platform(world: World, folder: Path) -> Generator[None]:
    with world.process(DISPATCHER, folder) as dispatcher, world.process(WORKER, folder) as worker:
        world.wait_until_ready("dispatcher", dispatcher)
        world.wait_until_ready("worker", worker)
        yield


def _is_at(world: World, firing: Firing, node: str, server: LlmServer) -> bool:
    step = world.steps(firing).get(node)
    return step is not None and step.status == "running" and len(server.calls) >= 1
