"""What becomes of a firing, decided on a real Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import msgspec

from agents.admission import STORM_FIRINGS, Admission, Verdict
from core.store import executions, pipelines
from core.store.pipelines import StoredPipeline
from engine.firing import Firing
from tests.kit.agents_world import World


def admit(world: World, firing: Firing) -> Verdict:
    return Admission(world.engine, world.settings, world.clock).admit(firing)


def reason(verdict: Verdict) -> str | None:
    return next((s.reason for s in verdict.suppressions), None)


def end(world: World, verdict: Verdict) -> None:
    assert verdict.execution_id is not None
    with world.engine.begin() as tx:
        assert executions.take(tx, verdict.execution_id, "me", lease_s=60) is not None
        executions.finish(tx, verdict.execution_id, "me", "completed", at=datetime.now(UTC), total_cost=Decimal(0))


def test_a_firing_is_decided_once(world: World) -> None:
    firing = world.firing(world.pipeline())
    first = admit(world, firing)
    assert first.execution_id == executions.id_of(firing.firing_id)
    assert admit(world, firing).is_known
    assert [e.event for e in first.told] == ["execution_queued"]


def test_while_one_is_at_work_another_is_skipped_and_recorded(world: World) -> None:
    pipeline = world.pipeline(overlap="skip")
    one, two = world.firing(pipeline), world.firing(pipeline)
    first = admit(world, one)
    assert reason(admit(world, two)) == "overlap"
    assert world.suppressed() == {two.firing_id: "overlap"}
    assert admit(world, two).is_known
    end(world, first)
    assert admit(world, world.firing(pipeline)).execution_id is not None


def test_parallel_allows_as_many_as_it_says(world: World) -> None:
    pipeline = world.pipeline(overlap="parallel", max_parallel=2)
    assert [reason(admit(world, world.firing(pipeline))) for _ in range(3)] == [None, None, "overlap"]


def test_of_those_that_queue_the_newest_waits(world: World) -> None:
    pipeline = world.pipeline(overlap="queue")
    running, old, new = (world.firing(pipeline) for _ in range(3))
    first = admit(world, running)
    assert first.execution_id is not None
    with world.engine.begin() as tx:
        executions.take(tx, first.execution_id, "me", lease_s=60)
    assert admit(world, old).execution_id is None
    assert reason(admit(world, new)) == "superseded"
    assert world.suppressed() == {old.firing_id: "superseded"}
    with world.engine.begin() as tx:
        waiting = executions.next_queued(tx, pipeline.id, new.symbol)
        assert waiting is not None
        assert waiting == executions.id_of(new.firing_id)
        assert executions.take(tx, waiting, "other", lease_s=60, alone=True) is None


def test_a_signal_that_is_too_old_is_not_run(world: World) -> None:
    pipeline = world.pipeline(signal_ttl_seconds=60)
    assert reason(admit(world, world.firing(pipeline, age_ms=61_000))) == "ttl"
    assert reason(admit(world, world.firing(pipeline, age_ms=50_000))) is None


def test_a_paused_pipeline_runs_only_by_hand(world: World) -> None:
    pipeline = world.pipeline()
    with world.engine.begin() as tx:
        pipelines.pause(tx, world.user_id, pipeline.id, datetime.now(UTC))
    assert reason(admit(world, world.firing(pipeline))) == "paused"
    assert admit(world, replace(world.firing(pipeline), kind="manual")).execution_id is not None


def test_a_firing_of_an_unknown_pipeline_is_recorded(world: World) -> None:
    pipeline = world.pipeline()
    stranger = msgspec.structs.replace(pipeline, id=uuid4())
    assert reason(admit(world, world.firing(stranger))) == "paused"


def test_a_storm_pauses_the_pipeline_and_tells_the_user(world: World) -> None:
    pipeline = world.pipeline(overlap="parallel", max_parallel=10)
    reasons = [reason(admit(world, world.firing(pipeline))) for _ in range(STORM_FIRINGS + 2)]
    assert reasons[STORM_FIRINGS:] == ["storm", "paused"]
    assert state_of(world, pipeline) == "paused"
    with world.engine.connect() as tx:
        titles = [row[0] for row in tx.exec_driver_sql("SELECT title FROM notifications")]
    assert titles == [f"{pipeline.name} was paused"]


def state_of(world: World, pipeline: StoredPipeline) -> str:
    with world.engine.connect() as tx:
        return pipelines.get(tx, world.user_id, pipeline.id).state
