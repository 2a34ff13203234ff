"""kill -9 of a worker before and after every commit of an execution, and in every call of a model.

Of a dispatcher and of the services at such places, too.

Sixteen executions are held at as many places, then their worker is killed: one death is that of sixteen. The places are
those of a clean run, so none is left out (tests/kit/walk.py says why these are all).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from core.errors import Unavailable
from core.settings import Settings
from core.store import migrate
from core.store.postgres import Engine, check
from tests.kit.agents_world import BEAT, DISPATCHER, make_world
from tests.kit.commit_gate import CommitGate
from tests.kit.forked_workers import ForkedWorker, ForkedWorkers, forked_workers
from tests.kit.llm_server import LlmServer
from tests.kit.platform import kill
from tests.kit.processes import RunningProcess, running
from tests.kit.stack import RunningStack, reachable_folder, running_stack
from tests.kit.waiting import wait_until
from tests.kit.walk import ANSWERS, Place, Walk

AT_ONCE = 16
SYMBOLS = tuple(f"BINANCE:W{n:02}USDT" for n in range(AT_ONCE))


@dataclass(slots=True)
class Ground:
    stack: RunningStack
    walk: Walk
    front: CommitGate
    """Between the dispatcher and Postgres."""
    workers: ForkedWorkers
    worker: ForkedWorker
    dispatcher: RunningProcess
    start_dispatcher: Callable[[], RunningProcess]


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
        front = _gate(settings)
        closing.callback(front.close)

        def start_dispatcher() -> RunningProcess:
            return closing.enter_context(running(_through(settings, front), DISPATCHER, logs / "dispatcher.log"))

        dispatcher = start_dispatcher()
        world.wait_until_ready("dispatcher", dispatcher)
        world.wait_until_ready("beat", closing.enter_context(world.process(BEAT, logs)))
        workers = closing.enter_context(forked_workers(_behind(settings, gate, server), logs))
        for symbol in SYMBOLS:
            world.market(symbol)
        walk = Walk(world, gate, server, SYMBOLS)
        yield Ground(stack, walk, front, workers, workers.start(), dispatcher, start_dispatcher)


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


@pytest.mark.parametrize("service", ["postgres", "valkey", "models"])
def test_a_service_that_dies_while_executions_are_at_any_kind_of_place_costs_nobody_anything(
    ground: Ground, places: Sequence[Place], service: str
) -> None:
    walk = ground.walk
    ground.worker.kill()
    ground.worker = ground.workers.start(lease_s=15)
    going = walk.begin_all(one_of_each_kind(places)[:AT_ONCE])
    if service != "models":
        before = ground.stack.pid_of(service)
        kill(before)
        wait_until(lambda: ground.stack.pid_of(service) not in (0, before), timeout_s=60, what=f"another {service}")
    if service == "postgres":
        wait_until(lambda: answers(walk.world.engine), timeout_s=60, what="Postgres answers")
        walk.gate.cut()
    walk.gate.open()
    walk.server.let_go()
    problems: list[str] = []
    for each in going:
        walk.end(each)
        problems += walk.judge(each, killed=False)
    assert not problems, "\n".join(problems)


def test_a_dispatcher_killed_around_its_commit_makes_one_execution_of_a_firing(ground: Ground) -> None:
    walk = Walk(ground.walk.world, ground.front, ground.walk.server, SYMBOLS)
    places = [place for place in walk.places() if place.side != "in"]
    assert {place.side for place in places} == {"before", "after"}
    problems: list[str] = []
    for place in places:
        (going,) = walk.begin_all([place])
        ground.dispatcher.kill()
        walk.let_go()
        ground.dispatcher = ground.start_dispatcher()
        walk.end(going)
        problems += walk.judge(going)
    assert not problems, "\n".join(problems)


def one_of_each_kind(places: Sequence[Place]) -> list[Place]:
    """Return the first place of each side and of each set of tables written."""
    found: dict[tuple[str, str], Place] = {}
    for place in places:
        found.setdefault((place.side, place.what if place.side != "in" else ""), place)
    return list(found.values())


def answers(engine: Engine) -> bool:
    try:
        check(engine)
    except Unavailable:
        return False
    return True


def _gate(settings: Settings) -> CommitGate:
    url = make_url(settings.postgres_url.get_secret_value())
    assert url.host is not None
    return CommitGate(url.host, url.port or 5432).start()


def _through(settings: Settings, gate: CommitGate) -> Settings:
    url = make_url(settings.postgres_url.get_secret_value()).set(host="127.0.0.1", port=gate.port)
    return settings.model_copy(update={"postgres_url": SecretStr(url.render_as_string(hide_password=False))})


def _behind(settings: Settings, gate: CommitGate, server: LlmServer) -> Settings:
    """Return a worker's settings, whose Postgres and models are those of the test."""
    return _through(settings, gate).model_copy(
        update={
            "openai_api_key": SecretStr("sk-test"),
            "openai_base_url": server.url,
            # An execution that is held too long for the upkeep is sent again, and takes a thread more.
            "worker_threads": 3 * AT_ONCE,
        }
    )
