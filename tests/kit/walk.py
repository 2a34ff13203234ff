"""A walk over every place of an execution where a worker may die: before and after each commit, and in each call.

What an execution is to the world (rows, orders, money, calls) changes by commits and by calls of the model server, and
by nothing else. So the places between two of them are all alike, and the walk is complete when it has been to both
sides of each. Which there are is what a clean run shows.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from core.clock import to_datetime
from core.pipeline.state import TradeSide
from core.store import costs, executions, orders
from core.store.executions import StoredExecution
from core.store.tables import cost_tracking, execution_events, fills, pipeline_executions, reservations
from engine.firing import Firing
from tests.kit.agents_world import World
from tests.kit.commit_gate import CommitGate
from tests.kit.llm_server import Json, LlmServer
from tests.kit.waiting import wait_until

ANSWERS: dict[str, Json] = {
    "bias": "bullish",
    "trend": "bullish",
    "favours": "buy",
    "action": TradeSide.BUY.value,
    "entry_price": 64_000.0,
    "level": None,
    "invalidation_level": None,
}


@dataclass(frozen=True, slots=True)
class Place:
    """`before` or `after` the n-th commit, or `in` the n-th call: noted by the server, not answered."""

    side: Literal["before", "after", "in"]
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.side} {self.what} (no. {self.number})"


@dataclass(frozen=True, slots=True)
class Going:
    """One firing on its way, and the place where it is held."""

    symbol: str
    user_id: UUID
    firing: Firing
    place: Place | None = None

    @property
    def execution_id(self) -> UUID:
        return executions.id_of(self.firing.firing_id)


@dataclass(slots=True)
class Walk:
    """Gate and server are between a worker and what it changes."""

    world: World
    gate: CommitGate
    server: LlmServer
    symbols: Sequence[str]
    problems: list[str] = field(default_factory=list[str])

    def places(self) -> list[Place]:
        """Return every place of a clean run, which is done twice: both must be the same."""
        self.server.calls.clear()
        first, second = self._clean(self.symbols[0]), self._clean(self.symbols[1])
        if first != second:
            raise AssertionError("\n".join(difflib.unified_diff([*map(str, first)], [*map(str, second)], lineterm="")))
        return first

    def _clean(self, symbol: str) -> list[Place]:
        going = self.begin(symbol)
        done = self.end(going)
        assert done.status == "completed", done.error
        assert not self.judge(going)
        commits = self.gate.commits[symbol]
        return [
            *(Place(side, c.number, c.wrote) for c in commits for side in ("before", "after")),
            *(Place("in", i, c.schema) for i, c in enumerate(self.server.calls_about(symbol), start=1)),
        ]

    def begin(self, symbol: str, place: Place | None = None) -> Going:
        """Publish a firing of a user of its own, to be held at a place."""
        self.world.become_another_user()
        pipeline = self.world.pipeline(symbol=symbol, signal_ttl_seconds=3600)
        going = Going(symbol, self.world.user_id, self.world.firing(pipeline), place)
        self.gate.own(symbol, (going.execution_id, going.user_id, pipeline.id, orders.trade_id_of(going.execution_id)))
        if place is not None and place.side == "in":
            self.server.holds.add((symbol, place.number))
        elif place is not None and place.side != "in":
            self.gate.hold(symbol, place.number, place.side)
        self.world.publish(going.firing)
        return going

    def begin_all(self, places: Sequence[Place]) -> list[Going]:
        """Publish a firing for each place and wait until each is held at its own."""
        self.server.calls.clear()
        going = [self.begin(symbol, place) for symbol, place in zip(self.symbols, places, strict=False)]
        wait_until(
            lambda: len(self.gate.held | self.server.held) == len(going),
            timeout_s=120, what=f"executions held at {[str(p) for p in places]}",
        )  # fmt: skip
        return going

    def let_go(self) -> None:
        """Cut what is held, as the death of either end does."""
        self.gate.cut()
        self.server.let_go()

    def end(self, going: Going) -> StoredExecution:
        return self.world.wait_for_end(going.firing, timeout_s=120)

    # ---- what must hold after all ---------------------------------------------------------------------------------

    def judge(self, going: Going, *, killed: bool = True) -> list[str]:
        """Return what is not as it must be of an execution that has ended, as sentences.

        Args:
            killed: Whether its worker was; a worker that lived may know more of what it did.
        """
        found = [*self._of_execution(going), *self._of_orders(going), *self._of_money(going, killed)]
        return [f"{going.place}: {problem}" for problem in found]

    def _of_execution(self, going: Going) -> list[str]:
        c, e = pipeline_executions.c, execution_events.c
        with self.world.engine.connect() as tx:
            rows = tx.execute(select(c.status, c.error).where(c.firing_id == UUID(going.firing.firing_id))).all()
            told = tx.execute(select(e.event, e.payload).where(e.execution_id == going.execution_id)).all()
        ended = Counter((event, str(payload.get("agent_id", ""))) for event, payload in told)
        once = {"execution_queued", "execution_completed", "agent_completed", "trade_executed", "report_ready"}
        return [
            *([] if len(rows) == 1 else [f"{len(rows)} executions"]),
            *(f"{status}: {error}" for status, error in rows if status != "completed"),
            *(f"{event} {node} was told {n} times" for (event, node), n in ended.items() if event in once and n > 1),
            *(f"step {s.node_id} is {s.status}" for s in self.world.steps(going.firing).values()
              if s.status != "completed"),
        ]  # fmt: skip

    def _of_orders(self, going: Going) -> list[str]:
        legs = self.world.orders(going.firing)
        of_leg = Counter((leg.leg, leg.oco_group) for leg in legs)
        entries = [leg for leg in legs if leg.leg == "entry"]
        at = to_datetime(self.world.clock.now_ms())
        with self.world.engine.begin() as tx:
            account = orders.paper_account(tx, going.user_id, start_cash_usd=Decimal(0), at=at)
            held = orders.position(tx, account.id, going.symbol).quantity
            filled = tx.execute(select(fills.c.id).where(fills.c.order_id.in_([leg.id for leg in legs]))).all()
        covered = sum((leg.quantity for leg in legs if leg.leg == "stop" and leg.state == "working"), Decimal(0))
        return [
            *([] if len(entries) == 1 and len(filled) == 1 else [f"{len(entries)} entries, {len(filled)} fills"]),
            *(f"{n} orders of leg {leg}" for leg, n in of_leg.items() if n > 1),
            *([] if covered == held > 0 else [f"stops cover {covered} of {held}"]),
        ]

    def _of_money(self, going: Going, killed: bool) -> list[str]:
        c = cost_tracking.c
        own = c.execution_id == going.execution_id
        with self.world.engine.connect() as tx:
            lines = tx.execute(
                select(c.status, c.input_tokens, c.output_tokens).where(own, c.cost_type == "llm_tokens")
            ).all()
            open_ = tx.execute(
                select(reservations.c.id).where(
                    reservations.c.execution_id == going.execution_id, reservations.c.settled_at.is_(None)
                )
            ).all()
            total = costs.of_execution(tx, going.execution_id)
        done = self.world.execution(going.firing)
        answered = Counter((i, o) for status, i, o in lines if status != 0)
        seen = Counter((call.input_tokens, call.output_tokens) for call in self.server.calls_about(going.symbol))
        unanswered = sum(status == 0 for status, _, _ in lines)
        lost = (seen - answered).total()
        # One that was paid for and did not leave cannot be told from one that left: its line says so, too.
        never_left = going.place is not None and going.place.side == "after" and "reservations" in going.place.what \
            and "cost_tracking" not in going.place.what  # fmt: skip
        return [
            *([f"{(answered - seen).total()} lines of calls the server never saw"] if answered - seen else []),
            *([] if lost <= 1 else [f"{lost} answers are not in the ledger"]),
            *(
                []
                if lost + (never_left and killed) <= unanswered <= lost + never_left
                else [f"{unanswered} unanswered lines, {lost} lost answers"]
            ),
            *([f"{len(open_)} reservations are open"] if open_ else []),
            *([] if done and done.total_cost == total else ["its cost is not the sum of its lines"]),
        ]
