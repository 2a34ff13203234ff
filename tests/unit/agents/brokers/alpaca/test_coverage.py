"""The quantity under working stops is the quantity held: what counts as a working stop, and what does not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.brokers.alpaca.answers import OrderAnswer, PositionAnswer
from agents.brokers.alpaca.coverage import Coverage, coverages

D = Decimal


def order(
    kind: str, status: str, qty: str = "10", *, order_class: str = "", side: str = "sell", filled: str = "0",
    legs: list[OrderAnswer] | None = None,
) -> OrderAnswer:  # fmt: skip
    return OrderAnswer(
        id="1", client_order_id="c", status=status, side=side, type=kind, order_class=order_class, symbol="AAPL",
        qty=D(qty), filled_qty=D(filled), legs=legs,
    )  # fmt: skip


def entry(status: str, stop: str, *, order_class: str = "oto", filled: str = "10") -> OrderAnswer:
    legs = [order("stop", stop, order_class=order_class)]
    return order("market", status, order_class=order_class, side="buy", filled=filled, legs=legs)


def oco(target: str, stop: str, qty: str = "10") -> OrderAnswer:
    legs = [order("stop", stop, qty, order_class="oco")]
    return order("limit", target, qty, order_class="oco", legs=legs)


def of_ten_shares(*orders: OrderAnswer, held: str = "10") -> Coverage:
    position = PositionAnswer(
        symbol="AAPL", qty=D(held), side="short" if held.startswith("-") else "long", avg_entry_price=D(100)
    )
    [found] = coverages([position], orders)
    return found


@pytest.mark.parametrize(
    "protected",
    [
        [order("stop", "new")],
        [order("stop_limit", "accepted")],
        [order("trailing_stop", "pending_cancel")],
        [order("stop", "pending_replace")],
        [entry("filled", "new")],
        [entry("filled", "held", order_class="bracket")],
        [oco("new", "held")],
        [oco("new", "held", "4"), oco("new", "held", "6")],
        [oco("new", "held", "4"), order("stop", "new", "6")],
        [order("stop", "somehow_new")],
    ],
)
def test_ten_shares_under_a_working_stop_are_covered(protected: list[OrderAnswer]) -> None:
    assert of_ten_shares(*protected).is_kept


@pytest.mark.parametrize(
    "naked",
    [
        [],
        [order("limit", "new")],
        [order("stop", "canceled")],
        [order("stop", "filled", filled="10")],
        [order("stop", "expired")],
        [order("stop", "rejected")],
        [order("stop", "new", side="buy")],
        [entry("partially_filled", "held", filled="10")],
        [entry("new", "held", filled="0")],
        [entry("filled", "canceled")],
        [oco("filled", "canceled")],
    ],
)
def test_ten_shares_that_no_stop_would_sell_are_naked(naked: list[OrderAnswer]) -> None:
    assert of_ten_shares(*naked).naked == 10


def test_what_is_filled_of_a_stop_covers_nothing_more() -> None:
    assert of_ten_shares(order("stop", "partially_filled", "10", filled="4")).naked == 4


def test_a_short_position_is_covered_by_stops_that_buy() -> None:
    assert of_ten_shares(order("stop", "new", side="buy"), held="-10").is_kept
    assert of_ten_shares(order("stop", "new", side="sell"), held="-10").naked == 10


def test_more_stops_than_shares_would_open_the_other_way() -> None:
    found = of_ten_shares(order("stop", "new", "10"), order("stop", "new", "5"))
    assert (found.naked, found.excess, found.is_kept) == (0, 5, False)


def test_a_stop_that_outlived_its_position_is_seen() -> None:
    [found] = coverages([], [order("stop", "new")])
    assert (found.symbol, found.held, found.excess) == ("AAPL", 0, 10)


@given(held=st.integers(-50, 50), stops=st.lists(st.integers(1, 20), max_size=5))
def test_naked_and_excess_are_what_is_missing_and_what_is_too_much(held: int, stops: list[int]) -> None:
    side = "buy" if held < 0 else "sell"
    placed = [order("stop", "new", str(n), side=side) for n in stops]
    positions = [
        PositionAnswer(symbol="AAPL", qty=D(held), side="short" if held < 0 else "long", avg_entry_price=D(1))
    ] if held else []  # fmt: skip
    found = coverages(positions, placed)
    if not held and not stops:
        assert found == []
        return
    [one] = found
    assert one.naked - one.excess == abs(held) - sum(stops)
    assert one.naked * one.excess == 0
    assert one.is_kept == (abs(held) == sum(stops))
