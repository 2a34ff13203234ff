"""What every broker of ours does the same way: the built-in paper broker, and Alpaca through its own client."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast
from uuid import uuid4

import pytest

from agents.brokers.broker import Broker, OrderPlan
from agents.brokers.paper import PaperBroker
from agents.brokers.paper_monitor import PaperMonitor
from agents.teller import Teller
from core.store import orders
from core.store import redis as live
from core.store.orders import Order, Trade
from tests.kit.alpaca.account import account
from tests.kit.intents import AT, Intents

D = Decimal
ENDED = ("filled", "cancelled", "rejected", "expired")


@dataclass(frozen=True, slots=True)
class Venue:
    """`prints` moves the market, `upkeep` does what runs beside: fills what is due, follows what has filled."""

    broker: Broker
    halted: Broker
    intents: Intents
    prints: Callable[[str], object]
    upkeep: Callable[[], object]

    def legs(self, plan: OrderPlan) -> list[Order]:
        return self.broker.legs(orders.trade_id_of(plan.execution_id))

    def trade(self, plan: OrderPlan) -> Trade:
        with self.intents.world.engine.connect() as tx:
            found = orders.trade(tx, orders.trade_id_of(plan.execution_id))
        assert found is not None
        return found

    def held(self) -> Decimal:
        positions = self.broker.account(self.intents.world.user_id).positions
        return sum((p.quantity for p in positions if p.symbol == "AAPL"), D(0))

    def stopped(self, plan: OrderPlan) -> Decimal:
        """Return what our tables say is under stops that have not ended."""
        stops = [leg for leg in self.legs(plan) if leg.leg == "stop" and leg.state not in ENDED]
        return sum((leg.quantity - leg.filled_quantity for leg in stops), D(0))


@pytest.fixture(params=["paper", "alpaca"])
def venue(request: pytest.FixtureRequest, intents: Intents) -> Generator[Venue]:
    intents.world.become_another_user()
    with (_paper if request.param == "paper" else _alpaca)(intents) as made:
        made.prints("100")
        yield made


@contextlib.contextmanager
def _paper(intents: Intents) -> Generator[Venue]:
    world = intents.world
    teller = Teller(world.settings)
    with contextlib.closing(live.client(world.settings)) as redis:
        broker = PaperBroker(world.settings, world.engine, redis, world.clock)
        off = replace(broker, settings=world.settings.model_copy(update={"trading_halted": True}))
        yield Venue(
            cast("Broker", broker), cast("Broker", off), intents, lambda price: world.price(float(price), "AAPL"),
            PaperMonitor(broker, teller, world.clock).tick,
        )  # fmt: skip
    teller.close()


@contextlib.contextmanager
def _alpaca(intents: Intents) -> Generator[Venue]:
    with account(intents) as made:
        off = replace(made.broker, halted="it is switched off")
        yield Venue(
            cast("Broker", made.broker), cast("Broker", off), intents, made.trade, lambda: made.broker.reconcile(AT)
        )


def _written(venue: Venue, quantity: int = 10, *, kind: orders.OrderType = "market") -> OrderPlan:
    return venue.intents.write(quantity, kind=kind, broker=venue.broker.name)


def test_an_order_that_never_arrived_is_not_found(venue: Venue) -> None:
    assert venue.broker.find(orders.client_order_id(uuid4(), "entry")) is None
    assert venue.broker.find(_written(venue).client_order_id) is None


def test_a_filled_entry_is_held_and_covered_by_stops_exactly(venue: Venue) -> None:
    plan = _written(venue)
    order = venue.broker.submit(plan)
    assert (order.state, order.filled_quantity) == ("filled", D(10))
    assert venue.broker.find(plan.client_order_id) == order
    assert venue.held() == venue.stopped(plan) == D(10)
    assert (venue.trade(plan).status, venue.trade(plan).filled_quantity) == ("open", D(10))
    targets = {leg.leg: leg.quantity for leg in venue.legs(plan) if leg.leg.startswith("target")}
    assert targets == {"target_1": D(5), "target_2": D(5)}


def test_the_same_entry_sent_again_is_the_same_order(venue: Venue) -> None:
    plan = _written(venue)
    first = venue.broker.submit(plan)
    legs = venue.legs(plan)
    assert venue.broker.submit(plan) == first
    assert venue.legs(plan) == legs
    assert venue.held() == D(10)


def test_an_entry_that_does_not_fill_is_cancelled_and_stays_so(venue: Venue) -> None:
    venue.prints("101")
    plan = _written(venue, kind="limit")
    assert venue.broker.submit(plan).state not in ENDED
    done = venue.broker.cancel(plan.client_order_id)
    assert done is not None
    assert (done.state, venue.trade(plan).status) == ("cancelled", "cancelled")
    venue.prints("99")
    venue.upkeep()
    assert venue.held() == 0
    assert venue.broker.cancel(plan.client_order_id) == venue.broker.find(plan.client_order_id) == done


def test_a_limit_entry_fills_when_its_price_comes_and_is_covered_then(venue: Venue) -> None:
    venue.prints("101")
    plan = _written(venue, kind="limit")
    venue.broker.submit(plan)
    assert venue.held() == 0
    venue.prints("99.5")
    venue.upkeep()
    assert venue.held() == venue.stopped(plan) == D(10)


def test_the_first_target_moves_the_other_stop_to_the_entry_and_the_second_closes_the_trade(venue: Venue) -> None:
    plan = _written(venue)
    paid = venue.broker.submit(plan).filled_price
    venue.prints("103.1")
    venue.upkeep()
    assert venue.held() == venue.stopped(plan) == D(5)
    stop = next(leg for leg in venue.legs(plan) if leg.leg == "stop" and leg.state not in ENDED)
    assert stop.stop_price == paid
    venue.prints("106.1")
    venue.upkeep()
    trade = venue.trade(plan)
    assert venue.held() == 0
    assert trade.status == "closed"
    assert trade.pnl is not None
    assert trade.pnl > 40
    assert all(leg.state in ENDED for leg in venue.legs(plan))


def test_the_stop_closes_all_of_it(venue: Venue) -> None:
    plan = _written(venue)
    venue.broker.submit(plan)
    venue.prints("97.9")
    venue.upkeep()
    trade = venue.trade(plan)
    assert venue.held() == 0
    assert trade.status == "closed"
    assert trade.pnl is not None
    assert trade.pnl < -20
    assert all(leg.state in ENDED for leg in venue.legs(plan))


def test_an_entry_that_cannot_be_paid_is_rejected_and_says_why(venue: Venue) -> None:
    plan = _written(venue, 5_000)
    order = venue.broker.submit(plan)
    assert (order.state, venue.trade(plan).status) == ("rejected", "rejected")
    assert "buying power" in order.error
    assert venue.held() == 0


def test_nothing_is_sent_while_trading_is_switched_off(venue: Venue) -> None:
    plan = _written(venue)
    assert venue.halted.account(venue.intents.world.user_id).halted
    assert venue.halted.submit(plan).state == "rejected"
    assert venue.held() == 0


def test_an_account_without_trades_is_worth_its_cash(venue: Venue) -> None:
    account = venue.broker.account(venue.intents.world.user_id)
    assert account.equity_usd == account.buying_power_usd == D(100_000)
    assert (account.day_pnl_usd, account.positions, account.halted) == (D(0), (), "")
