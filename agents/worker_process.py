"""What a worker process holds: its neighbours, its leases, and CrewAI loaded before the first execution."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from typing import TYPE_CHECKING
from uuid import UUID

from agents import crewai_runtime
from agents.leases import Leases
from agents.queue import TaskQueue
from agents.teller import Teller
from core import observability
from core.clock import SystemClock
from core.errors import TapewatchError, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings, load
from core.store import postgres
from core.store.blobs import Blobs
from core.store.clickhouse.client import ClickHouse
from core.store.redis import client as redis_client

if TYPE_CHECKING:
    # They import CrewAI, which must find its environment prepared.
    from agents.agent import Services
    from agents.runner import Runner

_log = logger(__name__)
_STOP_S = 2.0
"""A step that has not come to its end by then is left to another worker, which runs it again."""
_MOST_CONNECTIONS = 20
_POOL_WAIT_S = 30.0
"""For a connection. Where all are in use the worker is busy, and Postgres is not away."""


class WorkerProcess:
    def __init__(self, settings: Settings, heartbeat: Heartbeat) -> None:
        """Load CrewAI and make everything that needs no answer from a neighbour.

        Raises:
            ConfigError: a configured model has no price.
        """
        crewai_runtime.load(settings.data_dir / "crewai")
        from agents.llm.prices import Prices
        from agents.runner import Runner

        self._heartbeat = heartbeat
        self._executed = 0
        self._services = _services(settings)
        self._leases = Leases(self._services.engine, self._services.clock, lease_s=settings.lease_seconds)
        self._teller = Teller(settings)
        queue = TaskQueue(settings)
        self.runner: Runner = Runner(
            services=self._services,
            leases=self._leases,
            teller=self._teller,
            prices=Prices(settings.llm_prices),
            send=queue.send,
        )

    @classmethod
    def start(cls) -> WorkerProcess:
        """Start as the process `worker`.

        Raises:
            ConfigError: the settings are wrong.
        """
        settings = load()
        temporary = settings.data_dir / "crewai" / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        # A library of CrewAI's tries out the folder for temporary files when it is imported.
        tempfile.tempdir = str(temporary)
        observability.start("worker", settings)
        for chatty in ("celery.worker.strategy", "celery.app.trace"):
            # What an execution came to is said by the runner.
            logging.getLogger(chatty).setLevel(logging.WARNING)
        heartbeat = Heartbeat("worker", settings).start()
        heartbeat.report("starting", "loading the agents")
        process = cls(settings, heartbeat)
        _warm()
        process._leases.start()
        return process

    def ready(self) -> None:
        """Take over what a killed predecessor on this machine was running, and say that we are here."""
        try:
            count = self._leases.take_over_dead()
            if count:
                _log.info("executions of a dead worker are free again", count=count)
        except Unavailable as error:
            _log.warning("leases of a dead worker run out by themselves", reason=str(error))
        self._heartbeat.report("ok", "ready", running=0, executed=0)

    def execute(self, execution_id: UUID) -> None:
        """Run an execution; what keeps it from running is said, and the sweep brings it back."""
        try:
            self.runner.run(execution_id)
            self._heartbeat.report("ok", "ready")
        except Unavailable as error:
            _log.warning("execution interrupted", execution=str(execution_id), reason=str(error))
            self._heartbeat.report("waiting", str(error))
        except TapewatchError as error:
            _log.error("execution cannot run", execution=str(execution_id), reason=str(error))
        self._executed += 1
        self._heartbeat.count(running=self._leases.count(), executed=self._executed)

    def stop(self) -> None:
        """Let steps come to their end for a moment, then give the leases back and end."""
        self._heartbeat.report("waiting", "stopping")
        self._leases.end_all()
        threading.Timer(_STOP_S, self._end).start()

    def _end(self) -> None:
        try:
            self._leases.release_all()
        except Unavailable:
            _log.warning("leases run out by themselves")
        self._teller.close(timeout_s=0.5)
        # A thread in a model call cannot be ended otherwise.
        os._exit(0)


def _connections(threads: int) -> int:
    """Return how many connections to keep for so many threads; as many again may be open for a moment.

    A thread holds one for milliseconds at a time, never while a model is asked (three at most while Alpaca is), so 50
    threads share 22;
    with two a thread, one worker could take all that Postgres has (100 by default).
    """
    return min(threads, _MOST_CONNECTIONS) + 2


def _services(settings: Settings) -> Services:
    from agents.agent import Services
    from agents.llm.choice import providers_of

    return Services(
        settings=settings,
        clock=SystemClock(),
        engine=postgres.engine(settings, pool_size=_connections(settings.worker_threads), pool_timeout_s=_POOL_WAIT_S),
        redis=redis_client(settings),
        clickhouse=ClickHouse(settings),
        blobs=Blobs(settings),
        providers=providers_of(settings),
    )


def _warm() -> None:
    """Load what the first execution would otherwise wait for: kernels, flow, crew."""
    from agents.warm import warm

    warm()
