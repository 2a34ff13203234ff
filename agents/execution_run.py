"""One going-through of a pipeline under a lease: each step once, its output and its state in one transaction.

Halting is state, not an exception: a failed step marks the state, the steps after it are recorded as skipped.
Steps may run on several threads (parallel branches); the state moves under a lock, with its checkpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import msgspec

from agents import flow
from agents.agent import Event, Result, Services, Step
from agents.leases import Lease
from agents.llm import low_budget
from agents.llm.budget import limits_for
from agents.llm.meter import METER, BudgetExceeded, Meter, MeteredStep, StepStopped
from agents.llm.prices import Prices
from agents.llm.provider import Cheaper, ModelFails, NoSuchModel
from agents.registry import AnyAgent, make_agent, with_fallback_model
from agents.teller import Teller
from core.catalog.analysis import ModelSettings
from core.clock import to_datetime
from core.errors import InvalidInput, OutcomeUnknown, TapewatchError, Unavailable
from core.observability import logger
from core.pipeline import Graph, Node, PipelineConfig
from core.pipeline.state import PipelineState
from core.store import costs, events, executions
from core.store.costs import Limit, Payer
from core.store.executions import LeaseLost, Status, StepEnd, StoredExecution
from core.store.postgres import Connection
from core.wire.records import CostRecord, EventRecord

_log = logger(__name__)
_HOUR_MS = Decimal(3_600_000)
_LONGEST_WAIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    status: Status
    error: str = ""
    reason: str = ""
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why an attempt did not succeed, and whether another may."""

    text: str
    is_passing: bool = False
    reason: str = ""
    is_of_model: bool = False
    """Another model may answer."""


@dataclass(slots=True)
class ExecutionRun:
    services: Services
    teller: Teller
    prices: Prices
    execution: StoredExecution
    config: PipelineConfig
    lease: Lease
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: set[str] = field(default_factory=set[str])
    _state: PipelineState = field(init=False)
    _reason: str = ""
    _limits: tuple[Limit, ...] = ()
    _fault: Exception | None = None

    def go(self) -> Outcome | None:
        """Go through the steps that are not finished; None when this process had to stop before the end.

        Raises:
            LeaseLost: another worker goes on with it.
            Unavailable: a store went away.
        """
        self._begin()
        flow.run(self.config, self.step)
        if self._fault is not None:
            raise self._fault
        if self.lease.ended.is_set():
            return None
        state = self._state
        if state.halted_by is not None:
            return Outcome("failed", error=state.halt_reason, reason=self._reason)
        return Outcome("completed", report_id=state.report.report_id if state.report else None)

    def step(self, node_id: str) -> None:
        """Run one node if it is not finished. Does not raise: a fault stops what follows and is raised by `go`."""
        if node_id in self._done or self._fault is not None or self.lease.ended.is_set():
            return
        try:
            self._run(self.config.node(node_id))
        except Exception as error:  # noqa: BLE001 - carried over to `go`: an exception here would abort the flow's loop
            self._fault = error

    def _begin(self) -> None:
        execution = self.execution
        graph = Graph(self.config)
        nodes = [(node_id, self.config.node(node_id).agent_type) for node_id in graph.order()]
        told: list[EventRecord] = []
        with self.services.engine.begin() as tx:
            executions.plan_steps(tx, execution.id, nodes)
            finished = [s.node_id for s in executions.steps(tx, execution.id) if s.status in ("completed", "skipped")]
            own = costs.limits(tx, execution.user_id, execution.pipeline_id)
            if execution.attempt == 1:
                payload = {"symbol": execution.symbol, "firing_id": str(execution.firing_id)}
                told = self._append(tx, [("execution_started", payload)])
        self._limits = limits_for(self.services.settings, self.config.settings, own, pipeline_id=execution.pipeline_id)
        self._done = set(finished)
        self._state = self._resumed() if execution.state else self._fresh()
        self.teller.events(told)

    def _fresh(self) -> PipelineState:
        execution = self.execution
        return PipelineState(
            pipeline_id=str(execution.pipeline_id),
            pipeline_version=execution.pipeline_version,
            execution_id=str(execution.id),
            user_id=str(execution.user_id),
            symbol=execution.symbol,
            primary_timeframe=self.config.primary_timeframe,
            started_at=execution.started_at or self._now(),
        )

    def _resumed(self) -> PipelineState:
        return PipelineState.model_validate(self.execution.state)

    # ---- one node -----------------------------------------------------------------------------------------------

    def _run(self, node: Node) -> None:
        try:
            agent = make_agent(node)
        except InvalidInput as error:
            self._fail(node, _Failure(str(error)))
            return
        if (reason := self._why_not(agent)) is not None:
            self._record(node, StepEnd(status="skipped", summary=reason), self._state)
            return
        fallback = with_fallback_model(agent)
        last = self.config.settings.max_retries + 1
        while not self.lease.ended.is_set():
            attempt = self._start(node)
            outcome = self._attempt(node, agent, attempt)
            if isinstance(outcome, Result):
                return
            if self.lease.ended.is_set():
                return
            if outcome.is_passing and attempt < last:
                self._wait(node, outcome, attempt)
            elif outcome.is_of_model and fallback is not None:
                self._tell_again(node, outcome, attempt, delay=0)
                agent, fallback = fallback, None
                last = attempt + self.config.settings.max_retries + 1
            else:
                self._fail(node, outcome)
                return

    def _why_not(self, agent: AnyAgent) -> str | None:
        state = self._state
        if state.halted_by is not None:
            return f"not run: {state.halted_by} failed"
        missing = [name for name in agent.metadata().consumes if not state.has(name)]
        reason = agent.skip_reason(state)
        if reason is None and missing:
            reason = f"not run: there is no {' and no '.join(missing)}"
        return reason

    def _start(self, node: Node) -> int:
        with self.services.engine.begin() as tx:
            attempt = executions.begin_step(tx, self.execution.id, self.lease.owner, node.id, self._now())
            payload = {"agent_id": node.id, "agent_type": node.agent_type, "attempt": attempt}
            told = self._append(tx, [("agent_started", payload)])
        self.teller.events(told)
        return attempt

    def _attempt(self, node: Node, agent: AnyAgent, attempt: int) -> Result | _Failure:
        """Run the agent once; what it came to is recorded, except a failure, which the caller judges."""
        meter = self._meter(node, attempt)
        METER.set(meter)
        watchdog = threading.Timer(self.services.settings.step_timeout_seconds, meter.stopped.set)
        watchdog.daemon = True
        watchdog.start()
        started = self.services.clock.monotonic()
        result: Result | _Failure
        try:
            result = agent.run(self._step(node, agent))
        except (Unavailable, OutcomeUnknown) as error:
            result = _Failure(str(error), is_passing=True, is_of_model=isinstance(error, ModelFails))
        except BudgetExceeded as error:
            result = _Failure(str(error), reason="budget")
        except StepStopped:
            result = _Failure(f"took longer than {self.services.settings.step_timeout_seconds} s")
        except LeaseLost:
            raise
        except TapewatchError as error:
            result = _Failure(str(error), is_of_model=isinstance(error, NoSuchModel))
        finally:
            watchdog.cancel()
            lines = meter.close()
        runtime_ms = round((self.services.clock.monotonic() - started) * 1000)
        lines.extend(self._rental(node, agent, attempt, runtime_ms))
        if isinstance(result, Result):
            self._complete(node, result, meter, lines, runtime_ms)
        else:
            with self.services.engine.begin() as tx:
                for key, line in lines:
                    costs.add(tx, key, line)
        return result

    def _complete(
        self, node: Node, result: Result, meter: Meter, lines: Sequence[tuple[str, CostRecord]], runtime_ms: int
    ) -> None:
        totals = meter.totals
        end = StepEnd(
            status="completed",
            summary=result.summary,
            output=result.output.model_dump(mode="json"),
            runtime_ms=runtime_ms,
            api_calls=sum(result.api_calls.values()),
            provider=totals.provider,
            model=totals.model,
        )
        with self._lock:
            state = self._state.with_output(node.id, result.output)
            state = _counted(state, node.id, result, tokens=totals.input_tokens + totals.output_tokens, ms=runtime_ms)
            self._record(node, end, state, lines=lines, result=result)

    def _fail(self, node: Node, failure: _Failure) -> None:
        with self._lock:
            self._reason = failure.reason
            state = self._state.halted(node.id, f"{node.id}: {failure.text}")
            self._record(node, StepEnd(status="failed", error=failure.text), state)

    def _record(
        self,
        node: Node,
        end: StepEnd,
        state: PipelineState,
        *,
        lines: Sequence[tuple[str, CostRecord]] = (),
        result: Result | None = None,
    ) -> None:
        """Write what became of a step, the state after it, its costs and its events, together."""
        execution = self.execution
        with self.services.engine.begin() as tx:
            if result is not None and result.commit is not None:
                result.commit(tx)
            for key, line in lines:
                costs.add(tx, key, line)
            used = costs.of_step(tx, execution.id, node.id)
            end = msgspec.structs.replace(end, **msgspec.structs.asdict(used))
            executions.end_step(
                tx,
                execution.id,
                self.lease.owner,
                node.id,
                end,
                state=state.model_dump(mode="json"),
                at=self._now(),
            )
            told = self._append(tx, self._news(node, end, result))
        self._state = state
        self._done.add(node.id)
        self.teller.events(told)

    def _news(self, node: Node, end: StepEnd, result: Result | None) -> list[Event]:
        about = {"agent_id": node.id, "agent_type": node.agent_type}
        if end.status == "failed":
            return [("error", {**about, "error_message": end.error})]
        payload = {
            **about,
            "status": end.status,
            "output_summary": end.summary,
            "cost_increment": str(end.cost_usd),
            "runtime_ms": end.runtime_ms,
        }
        return [("agent_completed", payload), *(result.events if result else ())]

    def _wait(self, node: Node, failure: _Failure, attempt: int) -> None:
        """Wait before the next attempt, longer each time; a lease that ends ends the wait."""
        delay = min(self.config.settings.retry_delay * 2 ** (attempt - 1), _LONGEST_WAIT_S)
        self._tell_again(node, failure, attempt, delay=delay)
        self.lease.ended.wait(delay)

    def _tell_again(self, node: Node, failure: _Failure, attempt: int, *, delay: float) -> None:
        """Say that an attempt failed and in how many seconds the next begins."""
        payload = {
            "agent_id": node.id,
            "agent_type": node.agent_type,
            "error_message": failure.text,
            "retry_in_seconds": delay,
            "attempt": attempt,
        }
        with self.services.engine.begin() as tx:
            told = self._append(tx, [("error", payload)])
        self.teller.events(told)
        _log.info("a step is tried again", execution=str(self.execution.id), step=node.id, reason=failure.text)

    # ---- parts --------------------------------------------------------------------------------------------------

    def _services(self, node: Node, agent: AnyAgent) -> Services:
        """Return the neighbours of a step: where money runs low, with a cheaper model if the pipeline says so."""
        if not isinstance(agent.settings, ModelSettings):
            return self.services
        rules = self.config.settings
        with self.services.engine.begin() as tx:
            is_low = low_budget.is_low(tx, self._payer(node), self._limits, rules, at=self._now())
        if is_low and rules.on_low_budget == "cheaper_model":
            return replace(self.services, providers=Cheaper(self.services.providers))
        return self.services

    def _payer(self, node: Node) -> Payer:
        execution = self.execution
        return Payer(
            user_id=execution.user_id,
            pipeline_id=execution.pipeline_id,
            execution_id=execution.id,
            node_id=node.id,
        )

    def _step(self, node: Node, agent: AnyAgent) -> Step:
        execution = self.execution
        return Step(
            node_id=node.id,
            execution_id=execution.id,
            user_id=execution.user_id,
            pipeline_id=execution.pipeline_id,
            config=self.config,
            firing=execution.fact,
            state=self._state,
            services=self._services(node, agent),
        )

    def _meter(self, node: Node, attempt: int) -> Meter:
        return Meter(
            step=MeteredStep(self._payer(node), node.agent_type, attempt),
            engine=self.services.engine,
            clock=self.services.clock,
            prices=self.prices,
            limits=self._limits,
            ended=self.lease.ended,
        )

    def _rental(self, node: Node, agent: AnyAgent, attempt: int, runtime_ms: int) -> list[tuple[str, CostRecord]]:
        """Return the line for the agent's time; none for a free agent."""
        rate = agent.metadata().pricing_rate
        if rate == 0:
            return []
        key = f"{self.execution.id}/{node.id}/{attempt}/rental"
        line = CostRecord(
            cost_id=costs.cost_id(key),
            user_id=str(self.execution.user_id),
            execution_id=str(self.execution.id),
            pipeline_id=str(self.execution.pipeline_id),
            node_id=node.id,
            agent_type=node.agent_type,
            cost_type="agent_rental",
            at_ms=self.services.clock.now_ms(),
            provider="tapewatch",
            quantity=Decimal(runtime_ms) / 1000,
            unit_cost_usd=rate / 3600,
            amount_usd=(rate * runtime_ms / _HOUR_MS).quantize(Decimal("1e-10")),
        )
        return [(key, line)]

    def _append(self, tx: Connection, news: Sequence[tuple[str, Mapping[str, object]]]) -> list[EventRecord]:
        execution = self.execution
        return [
            events.append(
                tx,
                name,
                user_id=execution.user_id,
                at=self._now(),
                execution_id=execution.id,
                pipeline_id=execution.pipeline_id,
                payload=payload,
            )
            for name, payload in news
        ]

    def _now(self) -> datetime:
        return to_datetime(self.services.clock.now_ms())


def _counted(state: PipelineState, node_id: str, result: Result, *, tokens: int, ms: int) -> PipelineState:
    """Return the state with what the step used."""
    calls = dict(state.api_calls)
    for service, count in result.api_calls.items():
        calls[service] = calls.get(service, 0) + count
    return state.model_copy(
        update={
            "tokens_used": {**state.tokens_used, node_id: tokens},
            "api_calls": calls,
            "agent_runtime_ms": {**state.agent_runtime_ms, node_id: ms},
        }
    )
