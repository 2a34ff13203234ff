"""Trades at a made-up Alpaca through unmodified alpaca-py: after whatever happens one order a leg, and all covered."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from core.errors import OutcomeUnknown
from core.store import orders
from tests.kit.alpaca.account import AlpacaAccount, account
from tests.kit.alpaca.server import Fault
from tests.kit.intents import AT, Intents

D = Decimal


@pytest.fixture
def alpaca(intents: Intents) -> Generator[AlpacaAccount]:
    with account(intents) as made:
        made.trade("100")
        yield made


def test_a_filled_entry_ends_with_a_target_and_a_stop_for_each_lot(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    order = alpaca.broker.submit(plan)
    assert (order.state, order.filled_quantity, order.filled_price) == ("filled", D(10), D(100))
    legs = alpaca.legs(plan.execution_id)
    assert {name: row.state for name, row in legs.items()} == {
        "entry": "filled", "s0-1": "cancelled", "t1-1": "working", "s1-1": "held", "t2-1": "working", "s2-1": "held",
    }  # fmt: skip
    assert all(len(row.client_order_id) < 48 for row in legs.values())
    assert alpaca.faults(plan.execution_id) == []


def test_a_trade_that_reaches_both_targets_is_closed_with_what_it_earned(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    alpaca.trade("103")
    assert alpaca.broker.reconcile(AT).changed
    assert alpaca.legs(plan.execution_id)["s2-1"].stop_price == D(100), "the survivor's stop stands at the entry"
    assert alpaca.faults(plan.execution_id) == []
    alpaca.trade("106")
    alpaca.broker.reconcile(AT)
    assert _trade(alpaca, plan.execution_id) == ("closed", D(45))
    assert alpaca.held() == 0
    assert alpaca.broker.reconcile(AT).changed == ()


def test_a_trade_that_is_stopped_out_is_closed_with_what_it_lost(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    alpaca.trade("98")
    alpaca.broker.reconcile(AT)
    assert _trade(alpaca, plan.execution_id) == ("closed", D(-20))
    assert alpaca.faults(plan.execution_id) == []


def test_a_short_is_protected_the_other_way_round(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write(side="sell")
    alpaca.broker.submit(plan)
    assert alpaca.held() == D(-10)
    assert alpaca.faults(plan.execution_id) == []
    alpaca.trade("97")
    alpaca.broker.reconcile(AT)
    assert alpaca.legs(plan.execution_id)["s2-1"].stop_price == D(100)
    assert alpaca.faults(plan.execution_id) == []


def test_one_share_has_one_target(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write(1)
    alpaca.broker.submit(plan)
    assert set(alpaca.legs(plan.execution_id)) == {"entry", "s0-1", "t1-1", "s1-1"}
    assert alpaca.faults(plan.execution_id) == []


def test_of_a_part_filled_entry_the_rest_is_cancelled_and_what_is_held_is_protected(alpaca: AlpacaAccount) -> None:
    alpaca.server.book.most_a_fill = D(3)
    plan = alpaca.intents.write(kind="limit")
    assert alpaca.broker.submit(plan).state == "partially_filled"
    done = alpaca.broker.cancel(plan.client_order_id)
    assert done is not None
    assert (done.state, done.filled_quantity) == ("cancelled", D(3))
    legs = alpaca.legs(plan.execution_id)
    assert (legs["t1-1"].quantity, legs["t2-1"].quantity) == (D(1), D(2))
    assert alpaca.faults(plan.execution_id) == []


def test_a_fill_while_the_cancel_is_on_its_way_is_protected_too(alpaca: AlpacaAccount) -> None:
    alpaca.trade("101")
    plan = alpaca.intents.write(kind="limit")
    alpaca.broker.submit(plan)
    alpaca.client.before = lambda method: alpaca.trade("100") if method == "DELETE" else None
    done = alpaca.broker.cancel(plan.client_order_id)
    assert done is not None
    assert done.state == "filled"
    assert alpaca.held() == D(10)
    assert alpaca.faults(plan.execution_id) == []


def test_a_stop_that_fills_while_its_cancel_is_on_its_way_closes_the_trade(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    alpaca.client.before = lambda method: alpaca.trade("98") if method == "DELETE" else None
    alpaca.broker.submit(plan)
    assert _trade(alpaca, plan.execution_id) == ("closed", D(-20))
    assert alpaca.held() == 0


def test_nothing_is_made_before_the_stop_is_cancelled(alpaca: AlpacaAccount) -> None:
    alpaca.server.book.cancels_wait = True
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    assert "t1-1" not in alpaca.legs(plan.execution_id)
    assert alpaca.faults(plan.execution_id) == [], "a stop whose cancel is pending still covers"
    alpaca.server.settle()
    alpaca.server.book.cancels_wait = False
    alpaca.broker.reconcile(AT)
    assert alpaca.legs(plan.execution_id)["s2-1"].state == "held"
    assert alpaca.faults(plan.execution_id) == []


@pytest.mark.parametrize("at", range(4), ids=["entry", "cancel of its stop", "first OCO", "second OCO"])
@pytest.mark.parametrize("fault", ["lost", "429", "504", "html"])
def test_a_request_that_fails_or_whose_answer_is_lost_makes_no_second_order(
    alpaca: AlpacaAccount, fault: Fault, at: int
) -> None:
    seen = [0]

    def misbehave(method: str) -> None:
        if method != "GET":
            if seen[0] == at:
                alpaca.server.faults.append(fault)
            seen[0] += 1

    alpaca.client.before = misbehave
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    assert alpaca.held() == D(10)
    assert {"t1-1", "s1-1", "t2-1", "s2-1"} <= set(alpaca.legs(plan.execution_id))
    assert alpaca.faults(plan.execution_id) == []


def test_an_oco_nobody_answers_about_is_replaced_by_a_stop_alone(alpaca: AlpacaAccount) -> None:
    posts = [0]

    def misbehave(method: str) -> None:
        posts[0] += method == "POST"
        if method == "POST" and 2 <= posts[0] <= 4:
            alpaca.server.faults.append("504")

    alpaca.client.before = misbehave
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    legs = alpaca.legs(plan.execution_id)
    assert (legs["t1-1"].state, legs["p1-2"].state, legs["s2-1"].state) == ("unknown", "working", "held")
    assert alpaca.faults(plan.execution_id) == []


def test_shares_that_another_order_reserves_are_covered_when_they_are_released(alpaca: AlpacaAccount) -> None:
    mine = {"symbol": "AAPL", "qty": "4", "side": "sell", "type": "limit", "limit_price": "120"}
    alpaca.server.book.cancels_wait = True
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    alpaca.server.settle()
    alpaca.server.book.cancels_wait = False
    by_hand = alpaca.server.book.submit(mine)
    alpaca.broker.reconcile(AT)
    legs = alpaca.legs(plan.execution_id)
    assert (legs["s1-1"].state, legs["t2-1"].state) == ("held", "created")
    alpaca.server.book.cancel(by_hand.id)
    alpaca.broker.reconcile(AT)
    assert {row.state for row in alpaca.legs(plan.execution_id).values()} == {"filled", "cancelled", "working", "held"}
    assert all(c.is_kept for c in alpaca.broker.coverages())


def test_an_entry_nobody_answers_about_is_sent_again_under_its_own_id(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    alpaca.server.faults.extend(["504", "504", "504"])
    with pytest.raises(OutcomeUnknown):
        alpaca.broker.submit(plan)
    assert alpaca.broker.find(plan.client_order_id) is None
    assert alpaca.broker.submit(plan).state == "filled"
    assert alpaca.broker.submit(plan).state == "filled"
    assert alpaca.held() == D(10)
    assert alpaca.faults(plan.execution_id) == []


def test_a_refused_entry_says_why_and_nothing_is_held(intents: Intents) -> None:
    with account(intents, cash="500") as alpaca:
        alpaca.trade("100")
        plan = intents.write()
        order = alpaca.broker.submit(plan)
        assert (order.state, order.error) == ("rejected", "Alpaca: insufficient buying power")
        assert _trade(alpaca, plan.execution_id)[0] == "rejected"
        assert alpaca.faults(plan.execution_id) == []


def test_flatten_leaves_no_position_and_no_order(alpaca: AlpacaAccount) -> None:
    plans = [alpaca.intents.write(), alpaca.intents.write(4, symbol="MSFT", kind="limit")]
    alpaca.trade("101", "MSFT")
    for plan in plans:
        alpaca.broker.submit(plan)
    assert alpaca.broker.flatten(AT)
    assert alpaca.server.book.positions == {}
    assert [_trade(alpaca, plan.execution_id)[0] for plan in plans] == ["closed", "cancelled"]
    alpaca.broker.reconcile(AT)
    assert alpaca.server.book.positions == {}
    assert all(o.status != "new" for o in alpaca.server.book.orders.values())


def test_what_somebody_closed_by_hand_is_not_sold_again(alpaca: AlpacaAccount) -> None:
    plan = alpaca.intents.write()
    alpaca.broker.submit(plan)
    alpaca.client.delete("/orders")
    alpaca.client.delete("/positions/AAPL")
    alpaca.broker.reconcile(AT)
    assert alpaca.held() == 0
    assert all(c.is_kept for c in alpaca.broker.coverages()), "no stop is left that would open a short"
    assert alpaca.broker.flatten(AT)


def test_what_somebody_else_bought_is_closed_by_flatten_too(alpaca: AlpacaAccount) -> None:
    alpaca.client.post("/orders", {"symbol": "AAPL", "qty": "3", "side": "buy", "type": "market"})
    assert alpaca.broker.flatten(AT)
    assert alpaca.held() == 0


def test_a_part_filled_entry_nobody_waits_for_is_cancelled_after_a_minute_and_protected(alpaca: AlpacaAccount) -> None:
    alpaca.server.book.most_a_fill = D(4)
    plan = alpaca.intents.write(kind="limit")
    alpaca.broker.submit(plan)
    alpaca.broker.reconcile(AT + timedelta(seconds=59))
    assert alpaca.legs(plan.execution_id)["entry"].state == "partially_filled"
    alpaca.broker.reconcile(AT + timedelta(seconds=61))
    assert alpaca.legs(plan.execution_id)["entry"].state == "cancelled"
    assert alpaca.faults(plan.execution_id) == []


def _trade(alpaca: AlpacaAccount, execution_id: UUID) -> tuple[str, Decimal | None]:
    with alpaca.broker.engine.connect() as tx:
        found = orders.trade(tx, orders.trade_id_of(execution_id))
    assert found is not None
    return found.status, found.pnl
