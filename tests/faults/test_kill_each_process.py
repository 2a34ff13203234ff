"""kill -9 of each process in turn while trades flow: it comes back, the platform goes on, nothing runs twice."""

from __future__ import annotations

import urllib.error
from collections.abc import Generator
from typing import cast

import pytest

from tests.kit.platform import Browserless, Platform, kill, running_platform
from tests.kit.stack import reachable_folder
from tests.kit.waiting import wait_until

PARTS = (
    "simulator", "ingest", "market-0", "costs", "dispatcher", "worker", "beat", "api",
    "broker", "valkey", "clickhouse", "postgres",
)  # fmt: skip


@pytest.fixture(scope="module")
def platform() -> Generator[Platform]:
    with reachable_folder() as folder, running_platform(folder / "data", "--speed", "10") as running:
        wait_until(lambda: running.completed() >= 1, timeout_s=90, what="a first execution", every_s=0.5)
        yield running


def test_every_part_of_the_platform_is_killed_below(platform: Platform) -> None:
    assert {p.name for p in platform.run().parts} - {"migrate"} == set(PARTS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PARTS)
def test_a_killed_process_is_restarted_and_executions_go_on(platform: Platform, name: str) -> None:
    before = platform.part(name)
    done = platform.completed()
    kill(before.pid)
    wait_until(
        lambda: (now := platform.part(name)).pid not in (0, before.pid) and now.restarts > before.restarts,
        timeout_s=60,
        what=f"{name} restarted",
        every_s=0.2,
    )
    wait_until(lambda: platform.completed() > done, timeout_s=180, what=f"an execution after {name}", every_s=0.5)
    wait_until(lambda: _is_well(platform), timeout_s=60, what=f"all well after {name}", every_s=0.5)


def _is_well(platform: Platform) -> bool:
    try:
        health = cast("dict[str, object]", Browserless(platform).get("/api/v1/health"))
    except (urllib.error.URLError, OSError):
        return False
    return health["status"] == "ok"


def test_after_all_of_it_no_firing_ran_twice_and_no_step_or_order_was_doubled(platform: Platform) -> None:
    assert not platform.rows("SELECT firing_id FROM pipeline_executions GROUP BY firing_id HAVING count(*) > 1")
    # A finished step runs once: one completion event a step, one order a leg.
    assert not platform.rows(
        "SELECT execution_id, payload->>'agent_id' AS node FROM execution_events WHERE event = 'agent_completed' "
        "GROUP BY 1, 2 HAVING count(*) > 1"
    )
    # Two targets share the entry: a stop beside each, in a group of its own.
    assert not platform.rows("SELECT execution_id, leg, oco_group FROM orders GROUP BY 1, 2, 3 HAVING count(*) > 1")
    assert not platform.rows(
        "SELECT execution_id FROM orders GROUP BY 1 HAVING count(*) FILTER (WHERE leg = 'entry') > 1 "
        "OR sum(quantity) FILTER (WHERE leg = 'stop') IS DISTINCT FROM sum(quantity) FILTER (WHERE leg = 'entry')"
    )


def test_after_all_of_it_no_execution_is_stuck(platform: Platform) -> None:
    stuck = (
        "SELECT id, status, current_step, error FROM pipeline_executions "
        "WHERE status IN ('queued', 'running') AND created_at < now() - interval '60 seconds'"
    )
    wait_until(
        lambda: not platform.rows(stuck), timeout_s=90, what="executions older than a minute finished", every_s=1
    )
    failed = platform.rows("SELECT id, error FROM pipeline_executions WHERE status = 'failed'")
    assert not failed
