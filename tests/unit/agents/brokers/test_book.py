from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agents.brokers.book import book
from core.store.orders import Position

D = Decimal
EMPTY = Position(symbol="AAPL", quantity=D(0), average_price=D(0))


def test_buying_twice_averages_the_price() -> None:
    one = book(EMPTY, "buy", D(10), price=D(100), commission=D(1)).position
    two = book(one, "buy", D(30), price=D(104), commission=D(1)).position
    assert (two.quantity, two.average_price) == (D(40), D(103))


def test_selling_realises_against_the_average() -> None:
    held = Position(symbol="AAPL", quantity=D(10), average_price=D(100))
    booking = book(held, "sell", D(4), price=D(110), commission=D(1))
    assert booking.realized_usd == D(40)
    assert booking.cash_usd == D(439)
    assert (booking.position.quantity, booking.position.average_price) == (D(6), D(100))


def test_a_fill_through_zero_opens_the_rest_at_its_own_price() -> None:
    held = Position(symbol="AAPL", quantity=D(10), average_price=D(100))
    booking = book(held, "sell", D(15), price=D(90), commission=D(0))
    assert booking.realized_usd == D(-100)
    assert (booking.position.quantity, booking.position.average_price) == (D(-5), D(90))


@given(
    st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 50), st.integers(1, 500), st.integers(0, 3)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 500),
)
def test_cash_and_value_add_up_to_what_was_realised_and_what_is_open(
    fills: list[tuple[str, int, int, int]], last: int
) -> None:
    position, cash, commissions = EMPTY, D(0), D(0)
    for side, quantity, price, commission in fills:
        booking = book(position, side, D(quantity), price=D(price), commission=D(commission))  # pyright: ignore[reportArgumentType]
        position, cash, commissions = booking.position, cash + booking.cash_usd, commissions + commission
    open_pnl = position.quantity * (last - position.average_price)
    equity = cash + position.quantity * last
    assert abs(equity - (position.realized_pnl_usd + open_pnl - commissions)) < D("0.000001")
