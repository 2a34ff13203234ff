"""What has to be looked after whether workers are busy or not: lost executions, waiting paper orders, notifications.

It runs as a thread of Celery's beat process and not as Celery tasks: tasks would wait behind model calls, and
would be lost with Redis, which is what the sweep is there for. An advisory lock keeps a second beat from doing
the same at once; it would do no harm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from uuid import UUID

from agents.brokers.paper import PaperBroker
from agents.brokers.paper_monitor import PaperMonitor
from agents.notifications.delivery import Deliverer, channels_of
from agents.queue import TaskQueue
from agents.teller import Teller
from core import observability
from core.clock import Clock, SystemClock
from core.errors import Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings
from core.store import executions, postgres
from core.store.postgres import Engine
from core.store.redis import client as redis_client

_log = logger(__name__)
_MONITOR_S = 0.5
_SWEEP_S = 3.0
_MOST_PATIENCE_S = 300
_QUEUED_S = 10
"""An execution that was queued this long without beginning has lost its task, or finds every worker busy."""


class Patience:
    """When an execution may be sent again: later each time, as a queue that is merely long keeps every copy."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[UUID, tuple[int, float]] = {}

    def is_due(self, execution_id: UUID) -> bool:
        times, at = self._sent.get(execution_id, (0, 0.0))
        return times == 0 or self._clock.monotonic() - at >= min(_QUEUED_S * 2 ** (times - 1), _MOST_PATIENCE_S)

    def note(self, execution_id: UUID) -> None:
        times, _ = self._sent.get(execution_id, (0, 0.0))
        self._sent[execution_id] = (times + 1, self._clock.monotonic())

    def forget_all_but(self, execution_ids: Collection[UUID]) -> None:
        self._sent = {key: value for key, value in self._sent.items() if key in execution_ids}


class Upkeep:
    def __init__(
        self, engine: Engine, queue: TaskQueue, monitor: PaperMonitor, heartbeat: Heartbeat, *, clock: Clock
    ) -> None:
        self._patience = Patience(clock)
        self._engine = engine
        self._queue = queue
        self._monitor = monitor
        self._heartbeat = heartbeat
        self._sent = 0
        self._filled = 0
        self.stopped = threading.Event()

    @classmethod
    def start(cls, settings: Settings) -> Upkeep:
        observability.start("beat", settings)
        heartbeat = Heartbeat("beat", settings).start()
        engine = postgres.engine(settings, pool_size=4)
        clock = SystemClock()
        broker = PaperBroker(settings, engine, redis_client(settings), clock)
        monitor = PaperMonitor(broker, Teller(settings), clock)
        upkeep = cls(engine, TaskQueue(settings), monitor, heartbeat, clock=clock)
        heartbeat.report("ok", "looking after executions and orders")
        threading.Thread(target=upkeep.loop, name="upkeep", daemon=True).start()
        # A thread of its own: a receiver that takes ten seconds must not keep a stop from being filled.
        deliverer = Deliverer(settings, engine, channels_of(settings, clock), clock)
        threading.Thread(target=deliverer.loop, args=(upkeep.stopped,), name="notifications", daemon=True).start()
        return upkeep

    def loop(self) -> None:
        """Run both jobs in turn until stopped."""
        rounds_a_sweep = round(_SWEEP_S / _MONITOR_S)
        number = 0
        while not self.stopped.wait(_MONITOR_S):
            fine = self._guarded(self.watch_orders)
            if number % rounds_a_sweep == 0:
                fine = self._guarded(self.sweep) and fine
            number += 1
            if fine:
                self._heartbeat.report(
                    "ok", "looking after executions and orders", resent=self._sent, filled=self._filled
                )

    def sweep(self) -> int:
        """Send executions nobody works on again; return how many."""
        with self._engine.connect() as tx:
            found = executions.overdue(tx, queued_s=_QUEUED_S)
        self._patience.forget_all_but(found)
        due = [execution_id for execution_id in found if self._patience.is_due(execution_id)]
        for execution_id in due:
            if not self._queue.send(execution_id):
                raise Unavailable("the task queue is away")
            self._patience.note(execution_id)
            _log.info("execution sent again", execution=str(execution_id))
        self._sent += len(due)
        return len(due)

    def watch_orders(self) -> int:
        """Fill paper orders whose price has come; return how many."""
        filled = self._monitor.tick()
        self._filled += filled
        return filled

    def stop(self) -> None:
        self.stopped.set()

    def _guarded(self, job: Callable[[], int]) -> bool:
        try:
            job()
        except Unavailable as error:
            self._heartbeat.report("waiting", str(error))
            return False
        except Exception:  # noqa: BLE001 - the outermost of a thread that must go on: one order must not stop the rest
            _log.exception("upkeep failed, going on")
            self._heartbeat.report("degraded", "a job failed; see the log")
            return False
        return True
