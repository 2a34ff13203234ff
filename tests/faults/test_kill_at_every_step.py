"""kill -9 of a worker before and after every commit of an execution, and in every call of a model.

Sixteen executions are held at as many places, then their worker is killed: one death is that of sixteen. The places are
those of a clean run, so none is left out (tests/kit/walk.py says why these are all).
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from core.settings import Settings
from core.store import migrate
from tests.kit.agents_world import BEAT, DISPATCHER, make_world
from tests.kit.commit_gate import CommitGate
from tests.kit.forked_workers import ForkedWorker, ForkedWorkers, forked_workers
from tests.kit.llm_server import LlmServer
from tests.kit.stack import RunningStack, reachable_folder, running_stack
from tests.kit.walk import ANSWERS, Place, Walk

AT_ONCE = 16
SYMBOLS = tuple(f"BINANCE:W{n:02}USDT" for n in range(AT_ONCE))


@dataclass(slots=True)
class Ground:
    stack: RunningStack
    walk: Walk
    workers: ForkedWorkers
    worker: ForkedWorker

    def another_worker(self) -> None:
        self.worker.kill()
        self.worker = self.workers.start()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ground]:
    """Services of its own, a dispatcher, an upkeep and a worker; the worker's Postgres is behind a gate."""
    logs = tmp_path_factory.mktemp("logs")
    with contextlib.ExitStack() as closing:
        folder = closing.enter_context(reachable_folder())
        stack = closing.enter_context(running_stack(folder / "data"))
        settings = stack.settings_for_a_test(folder / "own")
        migrate.run(settings)
        server = LlmServer(values=dict(ANSWERS)).start()
        closing.callback(server.close)
        gate = _gate(settings)
        closing.callback(gate.close)
        world = make_world(settings)
        closing.callback(world.close)
        for arguments, name in ((DISPATCHER, "dispatcher"), (BEAT, "beat")):
            world.wait_until_ready(name, closing.enter_context(world.process(arguments, logs)))
        workers = closing.enter_context(forked_workers(_behind(settings, gate, server), logs))
        for symbol in SYMBOLS:
            world.market(symbol)
        yield Ground(stack, Walk(world, gate, server, SYMBOLS), workers, workers.start())


@pytest.fixture(scope="module")
def places(ground: Ground) -> Sequence[Place]:
    return ground.walk.places()


def test_a_clean_run_shows_every_commit_as_somebodys(ground: Ground, places: Sequence[Place]) -> None:
    # The leases' renewals belong to nobody, and change nothing an execution is.
    assert set(ground.walk.gate.unowned) <= {"UPDATE pipeline_executions"}
    wrote = "; ".join(place.what for place in places)
    assert all(table in wrote for table in ("step_executions", "orders", "fills", "reservations", "cost_tracking"))
    assert sum(place.side == "in" for place in places) == 8


def test_a_worker_killed_at_any_place_leaves_one_execution_one_order_a_leg_and_a_ledger_of_all_calls(
    ground: Ground, places: Sequence[Place]
) -> None:
    walk = ground.walk
    problems: list[str] = []
    for first in range(0, len(places), AT_ONCE):
        going = walk.begin_all(places[first : first + AT_ONCE])
        ground.worker.kill()
        walk.let_go()
        ground.worker = ground.workers.start()
        for each in going:
            walk.end(each)
            problems += walk.judge(each)
    assert not problems, f"{len(problems)} problems in {len(places)} places:\n" + "\n".join(problems)


def _gate(settings: Settings) -> CommitGate:
    url = make_url(settings.postgres_url.get_secret_value())
    assert url.host is not None
    return CommitGate(url.host, url.port or 5432).start()


def _behind(settings: Settings, gate: CommitGate, server: LlmServer) -> Settings:
    """Return a worker's settings, whose Postgres and models are those of the test."""
    url = make_url(settings.postgres_url.get_secret_value()).set(host="127.0.0.1", port=gate.port)
    return settings.model_copy(
        update={
            "postgres_url": SecretStr(url.render_as_string(hide_password=False)),
            "openai_api_key": SecretStr("sk-test"),
            "openai_base_url": server.url,
            "worker_threads": AT_ONCE,
            # An execution that is held keeps its lease: nobody else begins it meanwhile.
            "lease_seconds": 120,
        }
    )
