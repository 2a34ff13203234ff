"""From a record on topic `firings` to a finished execution, over the real services and our real processes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.store.blobs import Blobs
from tests.kit.agents_world import BEAT, DISPATCHER, WORKER, World
from tests.kit.waiting import wait_until


def test_a_firing_becomes_one_finished_execution_with_order_report_and_costs(world: World, tmp_path: Path) -> None:
    world.market()
    pipeline = world.pipeline()
    firing = world.firing(pipeline)
    with world.process(DISPATCHER, tmp_path), world.process(WORKER, tmp_path) as worker:
        world.publish(firing)
        world.publish(firing)
        done = world.wait_for_end(firing)
    steps = world.steps(firing)
    assert done.status == "completed", (done.error, worker.output[-3000:])
    assert [s.status for s in steps.values()] == ["completed"] * 7, {k: (s.status, s.summary) for k, s in steps.items()}
    assert len(world.executions()) == 1
    assert steps["bias"].provider == "rules"
    assert steps["bias"].llm_calls == 3
    assert steps["strategy"].llm_calls == 4
    assert done.total_cost > 0
    assert {o.leg for o in world.orders(firing)} == {"entry", "stop", "target_1", "target_2"}
    covered = sum((o.quantity for o in world.orders(firing) if o.leg == "stop"), Decimal(0))
    assert covered == world.orders(firing)[0].quantity
    assert b"Bias" in Blobs(world.settings).get(f"reports/{world.user_id}/{done.id}.html")


def test_an_execution_whose_task_redis_lost_is_found_by_the_sweep(world: World, tmp_path: Path) -> None:
    world.market()
    pipeline = world.pipeline(signal_ttl_seconds=600)
    firing = world.firing(pipeline)
    from core.store.redis import client

    with world.process(DISPATCHER, tmp_path):
        world.publish(firing)
        wait_until(lambda: world.execution(firing), timeout_s=20, what="the execution is queued")
    connection = client(world.settings)
    connection.execute_command("SELECT", "0")
    with world.process(BEAT, tmp_path), world.process(WORKER, tmp_path):
        assert world.wait_for_end(firing).status == "completed"
