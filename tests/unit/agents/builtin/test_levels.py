from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.builtin.levels import atr_stop, check_entry, level_stop, levels
from agents.instrument import Instrument
from core.errors import BadModelOutput
from core.pipeline.state import TradeSide

D = Decimal


def test_targets_are_one_and_a_half_and_three_times_the_risk() -> None:
    made = levels(TradeSide.BUY, D("150.50"), D("148"), risk_reward_min=D("1.5"), instrument=Instrument("AAPL"))
    assert (made.stop, made.target_1, made.target_2) == (D("148.00"), D("154.25"), D("158.00"))
    assert made.risk_reward == D("1.5")


def test_a_sale_is_its_mirror() -> None:
    made = levels(TradeSide.SELL, D("150.50"), D("153"), risk_reward_min=D(2), instrument=Instrument("AAPL"))
    assert (made.stop, made.target_1, made.target_2) == (D("153.00"), D("145.50"), D("140.50"))


def test_an_entry_far_from_the_market_is_refused_with_the_reason() -> None:
    with pytest.raises(BadModelOutput, match="far from the market at 150"):
        check_entry(D(155), price=D(150), atr=D(2))
    check_entry(D("150.9"), price=D(150), atr=D(2))


def test_a_level_on_the_wrong_side_is_refused() -> None:
    with pytest.raises(BadModelOutput, match="must be below the entry"):
        level_stop(TradeSide.BUY, D(150), D(151), D(2))
    assert level_stop(TradeSide.SELL, D(150), D(151), D(2)) == D("151.2")
    assert atr_stop(TradeSide.SELL, D(150), D(2), D("1.5")) == D(153)


def test_a_stop_below_zero_is_refused() -> None:
    with pytest.raises(BadModelOutput):
        levels(TradeSide.BUY, D(1), D(-1), risk_reward_min=D("1.5"), instrument=Instrument("AAPL"))


@given(
    side=st.sampled_from([TradeSide.BUY, TradeSide.SELL]),
    entry=st.decimals(1, 100_000, places=6, allow_nan=False, allow_infinity=False),
    distance=st.decimals(D("0.000001"), D("0.2"), places=6, allow_nan=False, allow_infinity=False),
    ratio=st.decimals(1, 5, places=2, allow_nan=False, allow_infinity=False),
    symbol=st.sampled_from(["AAPL", "BINANCE:ADAUSDT"]),
)
def test_the_ratio_is_never_less_than_asked_and_the_order_holds(
    side: TradeSide, entry: Decimal, distance: Decimal, ratio: Decimal, symbol: str
) -> None:
    sign = 1 if side is TradeSide.BUY else -1
    try:
        made = levels(side, entry, entry * (1 - sign * distance), risk_reward_min=ratio, instrument=Instrument(symbol))
    except BadModelOutput:
        return
    assert made.risk_reward >= max(ratio, D("1.5"))
    assert sign * made.stop < sign * made.entry < sign * made.target_1 < sign * made.target_2
