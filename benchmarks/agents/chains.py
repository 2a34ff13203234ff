"""What a worker costs and takes: whole chains of seven agents, on real stores, against a model server of our own.

Each execution is of a user and a pipeline of its own, so that each goes all the way to a protected position, and
none waits for another's. Executions go to the worker by the task queue, as the dispatcher sends them.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.request
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from agents.admission import Admission
from agents.queue import TaskQueue
from benchmarks.agents.model_server import Told
from benchmarks.agents.worker_usage import Usage, usage_of
from benchmarks.engine.result import Figure
from benchmarks.stream.services import beat_of, process, services, settings_of, wait_for
from core.settings import PREFIX, Settings
from core.store.tables import orders, pipeline_executions, step_executions
from tests.kit.agents_world import World, make_world

CALLS = 8
"""Of a chain, one after another: three of the bias crew, four of the strategy crew, one for the report."""
STEPS = 7
_READY_S = 180.0
_LIFE_S = 3_600
"""Of a signal: those sent all at once wait for their turn."""
_PRICE_EVERY_S = 1.0
_TARGET_CPU_S, _TARGET_OF_BOUND = 0.25, 0.9
_MB = 2**20


@dataclass(frozen=True, slots=True)
class Load:
    """Chains in each measurement; the worker has `in_flight` threads, and the model takes `delay_s` a call at last."""

    alone: int = 40
    at_once: int = 200
    in_flight: int = 50
    rounds: int = 3
    delay_s: float = 2.0


FULL, QUICK = Load(), Load(alone=10, at_once=50, rounds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What a number of executions took: until the last had ended, and of the worker."""

    count: int
    seconds: float
    before: Usage
    after: Usage

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the worker an execution."""
        return (self.after.cpu_s - self.before.cpu_s) / self.count

    @property
    def grown_mb(self) -> float:
        return (self.after.rss_bytes - self.before.rss_bytes) / _MB


class Bench:
    """A world with one worker on it, and the model server it asks."""

    def __init__(self, world: World, worker: int, server: str) -> None:
        self._world = world
        self._worker = worker
        self._server = server
        self._queue = TaskQueue(world.settings)
        self._admission = Admission(world.engine, world.settings, world.clock)

    def one_by_one(self, count: int) -> Run:
        """Run executions, each when the last has ended."""
        ids = self.admitted(count)
        before, began = usage_of(self._worker), time.monotonic()
        for execution_id in ids:
            self._send([execution_id])
            self._wait([execution_id], timeout_s=60)
        return self._checked(ids, Run(count, time.monotonic() - began, before, usage_of(self._worker)))

    def all_at_once(self, count: int, *, timeout_s: float) -> Run:
        ids = self.admitted(count)
        before, began = usage_of(self._worker), time.monotonic()
        self._send(ids)
        self._wait(ids, timeout_s=timeout_s)
        return self._checked(ids, Run(count, time.monotonic() - began, before, usage_of(self._worker)))

    def delay(self, seconds: float) -> Told:
        """Set what the model takes; return what it did until now.

        Raises:
            OSError: the server does not answer.
        """
        with urllib.request.urlopen(f"{self._server}/{seconds}", timeout=5) as answer:
            return msgspec.json.decode(answer.read(), type=Told)

    def admitted(self, count: int) -> list[UUID]:
        """Make executions that nobody has been told of yet, as the dispatcher makes them."""
        ids: list[UUID] = []
        for _ in range(count):
            self._world.become_another_user()
            verdict = self._admission.admit(self._world.firing(self._world.pipeline(signal_ttl_seconds=_LIFE_S)))
            assert verdict.execution_id is not None, f"a firing led to no execution: {verdict}"
            ids.append(verdict.execution_id)
        return ids

    def _send(self, ids: Sequence[UUID]) -> None:
        for execution_id in ids:
            assert self._queue.send(execution_id), "the task queue took no execution"

    def _wait(self, ids: Sequence[UUID], *, timeout_s: float) -> None:
        c = pipeline_executions.c
        query = select(func.count()).where(c.id.in_(ids), c.finished_at.is_not(None))

        def have_ended() -> bool:
            with self._world.engine.connect() as tx:
                return tx.execute(query).scalar_one() == len(ids)

        wait_for(f"{len(ids)} executions to end", have_ended, timeout_s=timeout_s)

    def _checked(self, ids: Sequence[UUID], run: Run) -> Run:
        """Return the run if each execution went all the way.

        Raises:
            AssertionError: one failed, skipped a step, asked more or less often, or holds no protected position.
        """
        c, s, o = pipeline_executions.c, step_executions.c, orders.c
        with self._world.engine.connect() as tx:
            ended = tx.execute(select(c.status, c.error, func.count()).where(c.id.in_(ids)).group_by(c.status, c.error))
            found = [(row[0], row[1], row[2]) for row in ended]
            steps = tx.execute(
                select(func.count(), func.sum(s.llm_calls)).where(s.execution_id.in_(ids), s.status == "completed")
            ).one()
            stops = tx.execute(
                select(func.count(func.distinct(o.execution_id))).where(o.execution_id.in_(ids), o.leg == "stop")
            ).scalar_one()
        assert [(row[0], row[2]) for row in found] == [("completed", len(ids))], f"executions ended otherwise: {found}"
        wanted = (STEPS * len(ids), CALLS * len(ids), len(ids))
        seen = (steps[0], steps[1], stops)
        assert seen == wanted, f"steps, calls and positions with a stop: {seen} instead of {wanted}"
        return run


def figures(load: Load) -> Generator[Figure]:
    """Measure.

    Raises:
        AssertionError: an execution did not end as a whole chain does.
    """
    with services("embedded", f"bench-{uuid.uuid4().hex[:8]}.") as base:
        folder = Path(base[PREFIX + "DATA_DIR"]) / "chains"
        folder.mkdir()
        with _bench(base, folder, threads=load.in_flight) as bench:
            yield from _without_waiting(bench, load)
            yield from _in_flight(bench, load)


def _without_waiting(bench: Bench, load: Load) -> Generator[Figure]:
    """What a chain costs where the model takes no time."""
    bench.one_by_one(min(5, load.alone))
    alone = bench.one_by_one(load.alone)
    yield Figure(
        "CPU of a chain, worker process", alone.cpu_s, "s", target=_TARGET_CPU_S, is_most=True,
        note=f"{load.alone} chains one by one, {CALLS} model calls each; {alone.seconds / alone.count:.3f} s a chain",
    )  # fmt: skip
    yield Figure("memory of the worker process", alone.after.rss_bytes / _MB, "MB", note="after the chains above")
    # Once before: every thread has its stack, its connections and its share of the heap then.
    bench.all_at_once(load.in_flight, timeout_s=30 + 2 * load.in_flight)
    busy = bench.all_at_once(load.at_once, timeout_s=30 + 2 * load.at_once)
    yield Figure(
        "executions of one worker process", busy.count / busy.seconds, "/s",
        note=f"{busy.count} at once on {load.in_flight} threads; {busy.cpu_s:.3f} s CPU a chain",
    )  # fmt: skip
    yield Figure(
        "memory that 100 executions add", busy.grown_mb * 100 / busy.count, "MB",
        note=f"to {busy.after.rss_bytes / _MB:.0f} MB",
    )  # fmt: skip


def _in_flight(bench: Bench, load: Load) -> Generator[Figure]:
    """As many executions as the worker has threads, each mostly waiting for the model, round after round."""
    count, chain_s = load.in_flight * load.rounds, CALLS * load.delay_s
    bench.delay(load.delay_s)
    run = bench.all_at_once(count, timeout_s=60 + 10 * load.rounds * chain_s)
    bound, told = load.in_flight / chain_s, bench.delay(0.0)
    assert told.answered == CALLS * count, f"{told.answered} questions of {count} chains"
    rate = run.count / run.seconds
    yield Figure(
        f"executions of one worker, model of {load.delay_s:g} s", rate, "/s",
        note=f"{count}, {load.in_flight} in flight, {told.most_at_once} calls at once; the model allows {bound:.3g}",
    )  # fmt: skip
    yield Figure(
        "of what the model allows", rate / bound, "", target=_TARGET_OF_BOUND,
        note=f"{run.cpu_s:.3f} s CPU a chain, {run.after.rss_bytes / _MB:.0f} MB",
    )  # fmt: skip


@contextlib.contextmanager
def _bench(base: Mapping[str, str], folder: Path, *, threads: int) -> Generator[Bench]:
    """Run a model server and one worker while the block lasts."""
    port = _free_port()
    server = f"http://127.0.0.1:{port}"
    own = {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": server + "/v1", "WORKER_THREADS": str(threads)}
    variables = {**base, **{PREFIX + name: value for name, value in own.items()}, PREFIX + "DATA_DIR": str(folder)}
    settings = settings_of(variables)
    world = make_world(settings)
    world.market()
    words = ("celery", "-A", "agents.worker", "worker", "-P", "threads", "-c", str(threads))
    with contextlib.ExitStack() as undo:
        undo.callback(world.close)
        undo.enter_context(_ticking(world))
        asked = ("benchmarks.agents.model_server", "--port", str(port))
        undo.enter_context(process(variables, folder / "server.log", *asked))
        began_ms = world.clock.now_ms()
        undo.enter_context(process(variables, folder / "worker.log", *words, "--without-gossip", "--without-mingle"))
        worker = _worker(settings, began_ms)
        bench = Bench(world, worker, server)
        wait_for("the model server", lambda: _answers(bench))
        yield bench


def _worker(settings: Settings, began_ms: int) -> int:
    """Wait until a worker that has started since then is ready, and return its process id."""
    found: list[int] = []

    def is_ready() -> bool:
        beat = beat_of(settings, "worker")
        if beat is not None and beat.state == "ok" and beat.at_ms >= began_ms:
            found.append(beat.pid)
        return bool(found)

    wait_for("the worker", is_ready, timeout_s=_READY_S)
    return found[0]


@contextlib.contextmanager
def _ticking(world: World) -> Generator[None]:
    """Keep the live price fresh, as a market flow would."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(_PRICE_EVERY_S):
            world.price(64_000.0)

    thread = threading.Thread(target=tick, name="price", daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def _answers(bench: Bench) -> bool:
    try:
        bench.delay(0.0)
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
