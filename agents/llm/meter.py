"""What calls of one step cost, and whether the next may be made.

A call is reserved before it leaves and settled when it is answered; both are written at once. A call that nobody
answered is recorded as such (status 0) when the next one begins or the step ends; one whose worker was killed, when
the next worker takes the execution over (`abandoned.py`). Threads may share a meter.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from agents.llm.prices import Prices, Usage
from core.clock import Clock, to_datetime
from core.errors import Unavailable
from core.store import costs
from core.store.costs import Limit, Payer
from core.store.postgres import Engine
from core.wire.records import CostRecord

UNANSWERED = 0


class BudgetExceeded(BaseException):
    """A call would go over a hard limit and is not made.

    No `Exception`, because the libraries between the gate and us retry on any of those.
    """


class StepStopped(BaseException):
    """The step's time is up, or its execution was taken away: no further call is made."""


class CallMeter(Protocol):
    """What a provider tells about each of its calls."""

    def begin_call(self, model: str, *, input_tokens: int, max_output_tokens: int) -> None:
        """Say that a call is about to leave; raises `BudgetExceeded` or `StepStopped` when it may not."""
        ...

    def end_call(self, *, status: int, usage: Usage, model_answered: str = "") -> None: ...

    def free_call(self, provider: str, model: str) -> None: ...


class NoMeter:
    """Counts nothing and allows everything: for what nobody pays."""

    def begin_call(self, model: str, *, input_tokens: int, max_output_tokens: int) -> None: ...

    def end_call(self, *, status: int, usage: Usage, model_answered: str = "") -> None: ...

    def free_call(self, provider: str, model: str) -> None: ...


METER: ContextVar[CallMeter] = ContextVar("METER")
"""The meter of the step at work."""


@dataclass(frozen=True, slots=True)
class MeteredStep:
    """Which step pays. `attempt` counts over restarts, so that no two calls have one key."""

    payer: Payer
    agent_type: str
    attempt: int

    def key(self, what: str) -> str:
        return f"{self.payer.execution_id}/{self.payer.node_id}/{self.attempt}/{what}"


@dataclass(slots=True)
class Totals:
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class _Call:
    number: int
    model: str
    reservation_id: UUID
    reserved_usd: Decimal


@dataclass(slots=True)
class Meter:
    """The meter of one attempt at a step."""

    step: MeteredStep
    engine: Engine
    clock: Clock
    prices: Prices
    limits: tuple[Limit, ...]
    ended: threading.Event
    """Set when the execution is no longer ours to go on with."""
    totals: Totals = field(default_factory=Totals)
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the step's time is up."""
    _begun: int = 0
    _free: list[tuple[str, CostRecord]] = field(default_factory=list[tuple[str, CostRecord]])
    _unwritten: list[tuple[_Call, int, Usage, str]] = field(default_factory=list[tuple[_Call, int, Usage, str]])
    """What became of calls while Postgres was away."""
    _unsure: list[UUID] = field(default_factory=list[UUID])
    """Reservations that may have been made or not, as Postgres went away meanwhile."""
    _open: dict[int, _Call] = field(default_factory=dict[int, _Call])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin_call(self, model: str, *, input_tokens: int, max_output_tokens: int) -> None:
        """Set aside what the call may cost at most.

        Raises:
            BudgetExceeded: it does not fit under a limit.
            StepStopped: the step has no time left.
        """
        if self.stopped.is_set() or self.ended.is_set():
            raise StepStopped("the step was stopped")
        self._close_open(threading.get_ident())
        most = self.prices.of(model, Usage(input_tokens, max_output_tokens))
        with self._lock:
            self._begun += 1
            number = self._begun
        # The id of its line too: of a call that was given up as abandoned no second line is written.
        reservation_id = UUID(costs.cost_id(self.step.key(str(number))))
        try:
            with self.engine.begin() as tx:
                refusal = costs.reserve(
                    tx, reservation_id, self.step.payer, most, self.limits, at=to_datetime(self.clock.now_ms())
                )
        except Unavailable:
            with self._lock:
                self._unsure.append(reservation_id)
            raise
        if refusal is not None:
            raise BudgetExceeded(str(refusal))
        with self._lock:
            self.totals.calls += 1
            self._open[threading.get_ident()] = _Call(number, model, reservation_id, most)

    def end_call(self, *, status: int, usage: Usage, model_answered: str = "") -> None:
        """Record what the server said; tokens are charged whatever the status."""
        with self._lock:
            call = self._open.pop(threading.get_ident(), None)
        if call is not None:
            self._record(call, status=status, usage=usage, model_answered=model_answered)

    def free_call(self, provider: str, model: str) -> None:
        """Count a call that costs nothing; its line is written with the step's end."""
        with self._lock:
            self._begun += 1
            self.totals.calls += 1
            self.totals.provider, self.totals.model = provider, model
            key = self.step.key(str(self._begun))
            self._free.append((key, self._line(key, provider=provider, model=model)))

    def close(self) -> list[tuple[str, CostRecord]]:
        """Record calls nobody answered, and what Postgres was away for; return the lines that are still to be written.

        Raises:
            Unavailable: it still is. What is set aside stays so, until the next worker takes the execution over.
        """
        for thread in list(self._open):
            self._close_open(thread)
        with self._lock:
            unwritten, self._unwritten = self._unwritten, []
            unsure, self._unsure = self._unsure, []
        for call, status, usage, model_answered in unwritten:
            self._record(call, status=status, usage=usage, model_answered=model_answered)
        if unsure:
            # Set aside or not, these calls did not leave.
            with self.engine.begin() as tx:
                for reservation_id in unsure:
                    costs.settle(tx, reservation_id, Decimal(0), to_datetime(self.clock.now_ms()))
        with self._lock:
            lines, self._free = self._free, []
        return lines

    def _close_open(self, thread: int) -> None:
        with self._lock:
            call = self._open.pop(thread, None)
        if call is not None:
            self._record(call, status=UNANSWERED, usage=Usage())

    def _record(self, call: _Call, *, status: int, usage: Usage, model_answered: str = "") -> None:
        amount = self.prices.of(call.model, usage)
        key = self.step.key(str(call.number))
        line = self._line(key, provider="openai", model=call.model, status=status, usage=usage, amount=amount)
        detail = {"model_answered": model_answered, "reserved_usd": str(call.reserved_usd), "call": call.number}
        try:
            with self.engine.begin() as tx:
                costs.add(tx, key, line, detail=detail)
                costs.settle(tx, call.reservation_id, amount, to_datetime(self.clock.now_ms()))
        except Unavailable:
            with self._lock:
                self._unwritten.append((call, status, usage, model_answered))
            raise
        with self._lock:
            self.totals.input_tokens += usage.input_tokens
            self.totals.output_tokens += usage.output_tokens
            self.totals.cost_usd += amount
            self.totals.provider, self.totals.model = "openai", call.model

    def _line(
        self,
        key: str,
        *,
        provider: str,
        model: str,
        status: int = 200,
        usage: Usage | None = None,
        amount: Decimal = Decimal(0),
    ) -> CostRecord:
        used = usage or Usage()
        payer = self.step.payer
        return CostRecord(
            cost_id=costs.cost_id(key),
            user_id=str(payer.user_id),
            execution_id=str(payer.execution_id),
            pipeline_id=str(payer.pipeline_id),
            node_id=payer.node_id,
            agent_type=self.step.agent_type,
            cost_type="llm_tokens",
            at_ms=self.clock.now_ms(),
            provider=provider,
            model=model,
            status=status,
            quantity=Decimal(used.total),
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cache_read_tokens=used.cache_read_tokens,
            unit_cost_usd=amount / used.total if used.total else Decimal(0),
            amount_usd=amount,
        )
