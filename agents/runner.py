"""Takes executions under a lease and goes through their steps, from the first that is not finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from agents.agent import Services
from agents.execution_run import ExecutionRun, Outcome
from agents.leases import Lease, Leases
from agents.llm.abandoned import record_abandoned
from agents.llm.prices import Prices
from agents.teller import Teller
from core.clock import to_datetime
from core.errors import InvalidInput, NotFound, TapewatchError, Unavailable
from core.observability import logger
from core.pipeline import PipelineConfig, parse_config
from core.store import costs, events, executions, notifications, pipelines
from core.store.executions import LeaseLost, Status, StoredExecution
from core.store.postgres import Connection
from core.wire.records import EventRecord
from engine.firing import Suppression

_log = logger(__name__)
_MOST_STARTS = 20
"""An execution that ended its worker this often is not begun again."""


@dataclass(frozen=True, slots=True)
class Runner:
    services: Services
    leases: Leases
    teller: Teller
    prices: Prices
    send: Callable[[UUID], bool]
    """Queues another execution (overlap "queue"); does not raise."""

    def run(self, execution_id: UUID) -> None:
        """Run an execution to its end, or as far as this process may; nothing where another runs it.

        Raises:
            Unavailable: a store is away; the sweep sends the execution again.
        """
        lease = self.leases.open()
        try:
            taken = self._take(execution_id, lease)
            if taken is not None:
                self._go(taken[0], taken[1], lease)
        except LeaseLost as lost:
            _log.info("left to another worker", execution=str(execution_id), reason=str(lost))
        finally:
            self.leases.close(lease)

    def _take(self, execution_id: UUID, lease: Lease) -> tuple[StoredExecution, PipelineConfig] | None:
        """Return the execution and the version of the pipeline it goes by, None when it is not ours to run."""
        config: PipelineConfig | None = None
        problem = ""
        with self.services.engine.begin() as tx:
            found = executions.get(tx, execution_id)
            if found is None:
                return None
            try:
                config = parse_config(pipelines.version(tx, found.pipeline_id, found.pipeline_version).config)
            except (InvalidInput, NotFound) as error:
                problem = str(error)
            alone = config is not None and config.settings.overlap == "queue"
            taken = executions.take(tx, execution_id, lease.owner, lease_s=self.leases.lease_s, alone=alone)
            if taken is not None and config is not None and taken.attempt > 1:
                record_abandoned(tx, execution_id, config, to_datetime(self.services.clock.now_ms()))
        if taken is not None and config is None:
            self._finish(taken, lease, Outcome("failed", error=f"the pipeline cannot be read: {problem}"))
        return None if taken is None or config is None else (taken, config)

    def _go(self, execution: StoredExecution, config: PipelineConfig, lease: Lease) -> None:
        now_ms = self.services.clock.now_ms()
        deadline = execution.pick_up_by
        if execution.attempt == 1 and deadline is not None and deadline < to_datetime(now_ms):
            self._suppress(execution, lease)
            return
        if execution.attempt > _MOST_STARTS:
            self._finish(execution, lease, Outcome("failed", error=f"given up after {_MOST_STARTS} starts"))
            return
        run = ExecutionRun(self.services, self.teller, self.prices, execution, config, lease)
        try:
            outcome = run.go()
        except (LeaseLost, Unavailable):
            raise
        except TapewatchError as error:
            outcome = Outcome("failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - the outermost of an execution: it fails, the worker goes on
            _log.exception("an execution failed by a fault of ours", execution=str(execution.id))
            outcome = Outcome("failed", error=f"internal error ({type(error).__name__})")
        if outcome is None:
            with self.services.engine.begin() as tx:
                executions.release(tx, [lease.owner])
            return
        self._finish(execution, lease, outcome)
        if config.settings.overlap == "queue":
            self._send_next(execution)

    def _finish(self, execution: StoredExecution, lease: Lease, outcome: Outcome) -> None:
        at = to_datetime(self.services.clock.now_ms())
        with self.services.engine.begin() as tx:
            total = costs.of_execution(tx, execution.id)
            executions.finish(
                tx,
                execution.id,
                lease.owner,
                outcome.status,
                at=at,
                total_cost=total,
                error=outcome.error,
                reason=outcome.reason,
            )
            payload: dict[str, object] = {
                "status": outcome.status,
                "symbol": execution.symbol,
                "total_cost": str(total),
                "error": outcome.error,
                "report_id": outcome.report_id,
                "firing_id": str(execution.firing_id),
            }
            if outcome.status == "failed":
                self._notify_failure(tx, execution, outcome)
            told = self._event(tx, execution, "execution_completed", payload)
        self.teller.events([told])
        _log.info(
            "execution ended",
            execution=str(execution.id),
            pipeline=str(execution.pipeline_id),
            symbol=execution.symbol,
            status=outcome.status,
            reason=outcome.error,
        )

    def _notify_failure(self, tx: Connection, execution: StoredExecution, outcome: Outcome) -> None:
        notifications.notify(
            tx,
            f"failure/{execution.id}",
            user_id=execution.user_id,
            kind="failure",
            title=f"{execution.symbol}: the execution failed",
            body=outcome.error,
            payload={"execution_id": str(execution.id), "pipeline_id": str(execution.pipeline_id)},
            at=to_datetime(self.services.clock.now_ms()),
        )

    def _suppress(self, execution: StoredExecution, lease: Lease) -> None:
        """End an execution that waited longer than its signal lives (T28)."""
        at = to_datetime(self.services.clock.now_ms())
        status: Status = "suppressed"
        with self.services.engine.begin() as tx:
            executions.finish(
                tx, execution.id, lease.owner, status, at=at, total_cost=execution.total_cost, reason="ttl"
            )
            executions.add_suppression(
                tx, execution.fact, "ttl", user_id=execution.user_id, detail="too old when it was picked up", at=at
            )
            told = self._event(tx, execution, "execution_suppressed", {"reason": "ttl", "symbol": execution.symbol})
        self.teller.events([told])
        self.teller.suppression(Suppression(execution.fact, "ttl"))

    def _send_next(self, execution: StoredExecution) -> None:
        with self.services.engine.connect() as tx:
            waiting = executions.next_queued(tx, execution.pipeline_id, execution.symbol)
        if waiting is not None:
            self.send(waiting)

    def _event(self, tx: Connection, execution: StoredExecution, name: str, payload: dict[str, object]) -> EventRecord:
        return events.append(
            tx,
            name,
            user_id=execution.user_id,
            at=to_datetime(self.services.clock.now_ms()),
            execution_id=execution.id,
            pipeline_id=execution.pipeline_id,
            payload=payload,
        )
