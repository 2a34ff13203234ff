"""Killed around any request to Alpaca and gone on with, a trade ends as it would have: nothing twice, all covered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.brokers.broker import OrderPlan
from core.store import orders
from core.store.orders import OrderType, Side
from tests.kit.alpaca.account import AlpacaAccount, Killed, account
from tests.kit.intents import AT, Intents

D = Decimal
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OFFSETS = (0, 0, 1, -1, 3, 3, 6, -2)
"""From the entry in the direction of the trade: targets are at 3 and 6, the stop at -2."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a market does to a trade: `first` is the price it is sent at, the others come one by one."""

    quantity: int
    side: Side
    kind: OrderType
    most_a_fill: int | None
    first: int
    prices: tuple[int, ...]

    def price(self, offset: int) -> str:
        return str(100 + offset if self.side == "buy" else 100 - offset)


@dataclass(frozen=True, slots=True)
class End:
    held: Decimal
    status: str
    pnl: Decimal | None
    working: tuple[tuple[str, Decimal, Decimal | None], ...]


courses = st.builds(
    Course,
    quantity=st.integers(1, 12),
    side=st.sampled_from(("buy", "sell")),
    kind=st.sampled_from(("market", "limit")),
    most_a_fill=st.sampled_from((None, None, 1, 3)),
    first=st.sampled_from((0, 0, 1)),
    prices=st.lists(st.sampled_from(OFFSETS), max_size=5).map(tuple),
)
kills = st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=4)
"""How many requests after the last kill, and whether before the request or after its answer."""


@FEW
@given(course=courses, killed=kills)
def test_a_killed_trade_ends_as_one_that_was_not(
    intents: Intents, course: Course, killed: list[tuple[int, bool]]
) -> None:
    assert _run(intents, course, killed) == _run(intents, course, [])


@FEW
@given(course=courses, killed=kills, moves=st.dictionaries(st.integers(0, 40), st.sampled_from(OFFSETS), max_size=4))
def test_whatever_price_comes_between_two_requests_nothing_is_made_twice_and_all_is_covered(
    intents: Intents, course: Course, killed: list[tuple[int, bool]], moves: dict[int, int]
) -> None:
    _run(intents, course, killed, moves)


def _run(intents: Intents, course: Course, killed: list[tuple[int, bool]], moves: dict[int, int] | None = None) -> End:
    """Trade, and return the end. At the end our tables and the book agree, and what is held is covered."""
    with account(intents) as alpaca:
        alpaca.trade(course.price(course.first))
        alpaca.server.book.most_a_fill = None if course.most_a_fill is None else D(course.most_a_fill)
        _arm(alpaca, course, killed, moves or {})
        plan = intents.write(course.quantity, side=course.side, kind=course.kind)
        _until_done(lambda: alpaca.broker.find(plan.client_order_id) or alpaca.broker.submit(plan))
        _until_done(lambda: alpaca.broker.cancel(plan.client_order_id))
        for offset in course.prices:
            alpaca.trade(course.price(offset))
            _until_done(lambda: alpaca.broker.reconcile(AT))
        alpaca.client.before = alpaca.client.after = None
        alpaca.broker.reconcile(AT)
        assert alpaca.faults(plan.execution_id) == []
        assert 0 <= abs(alpaca.held()) <= course.quantity
        assert alpaca.broker.reconcile(AT).changed == ()
        return _end(alpaca, plan)


def _arm(alpaca: AlpacaAccount, course: Course, killed: list[tuple[int, bool]], moves: dict[int, int]) -> None:
    left, seen, since = list(killed), [0], [0]

    def before(_: str) -> None:
        if seen[0] in moves:
            alpaca.trade(course.price(moves[seen[0]]))
        seen[0] += 1
        since[0] += 1
        _die(after=False)

    def _die(*, after: bool) -> None:
        if left and (since[0] - 1, after) == left[0]:
            left.pop(0)
            since[0] = 0
            raise Killed

    alpaca.client.before, alpaca.client.after = before, lambda _: _die(after=True)


def _until_done(act: Callable[[], object]) -> None:
    """Do it as a process does that is started again after each kill."""
    while True:
        try:
            act()
        except Killed:
            continue
        return


def _end(alpaca: AlpacaAccount, plan: OrderPlan) -> End:
    with alpaca.broker.engine.connect() as tx:
        trade = orders.trade(tx, orders.trade_id_of(plan.execution_id))
    assert trade is not None
    working = [row for row in alpaca.legs(plan.execution_id).values() if row.state in ("working", "held", "sent")]
    rows = sorted((row.leg, row.quantity, row.limit_price or row.stop_price) for row in working)
    return End(alpaca.held(), trade.status, trade.pnl, tuple(rows))
