from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.brokers.broker import AccountNow, Held
from agents.builtin.risk_rules import Proposal, size
from agents.instrument import Instrument
from core.catalog.trading import RiskManagerSettings
from core.numbers import decimal_of
from core.pipeline.state import TradeSide

RICH = AccountNow(Decimal(100_000), Decimal(100_000), Decimal(0), ())
PLAN = Proposal("AAPL", TradeSide.BUY, Decimal("150.50"), Decimal("148.00"), Decimal("1.5"))


def account(**changes: object) -> AccountNow:
    values: dict[str, object] = {
        "equity_usd": Decimal(100_000),
        "buying_power_usd": Decimal(100_000),
        "day_pnl_usd": Decimal(0),
        "positions": (),
    }
    return AccountNow(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def test_the_design_example_gives_66_shares() -> None:
    sizing = size(PLAN, RICH, RiskManagerSettings())
    assert sizing.wanted == 800
    assert sizing.size == 66
    assert sizing.reduced_by is not None
    assert sizing.reduced_by.rule == "max_position"


def test_every_rule_gives_its_verdict() -> None:
    rules = [v.rule for v in size(PLAN, RICH, RiskManagerSettings()).verdicts]
    assert rules == [
        "kill_switch", "equity", "min_risk_reward", "daily_loss_stop", "drawdown_halt", "max_open_positions",
        "no_opposite_position",
        "risk_per_trade", "max_position", "max_symbol_exposure", "max_total_exposure", "buying_power",
    ]  # fmt: skip


def test_a_plan_with_too_little_reward_is_rejected() -> None:
    sizing = size(PLAN, RICH, RiskManagerSettings(min_risk_reward=2))
    assert sizing.size == 0
    assert sizing.rejected_by is not None
    assert sizing.rejected_by.rule == "min_risk_reward"


def test_after_the_daily_loss_nothing_is_traded() -> None:
    lost = account(equity_usd=Decimal(95_000), day_pnl_usd=Decimal(-5_000))
    sizing = size(PLAN, lost, RiskManagerSettings(daily_loss_stop_pct=5))
    assert sizing.rejected_by is not None
    assert sizing.rejected_by.rule == "daily_loss_stop"


def test_far_below_its_best_an_account_trades_no_more() -> None:
    down = account(equity_usd=Decimal(80_000), peak_equity_usd=Decimal(100_000))
    rejected = size(PLAN, down, RiskManagerSettings(drawdown_halt_pct=20)).rejected_by
    assert rejected is not None
    assert (rejected.rule, rejected.found) == ("drawdown_halt", "20,000.00 USD below 100,000.00 USD")
    assert size(PLAN, down, RiskManagerSettings(drawdown_halt_pct=21)).size > 0


def test_with_the_kill_switch_on_nothing_is_sized_and_the_reason_is_told() -> None:
    sizing = size(PLAN, account(halted="halted by the operator"), RiskManagerSettings())
    assert sizing.size == 0
    assert sizing.rejected_by is not None
    assert (sizing.rejected_by.rule, sizing.rejected_by.found) == ("kill_switch", "halted by the operator")


def test_a_rejection_still_gives_the_verdict_of_every_rule() -> None:
    settings = RiskManagerSettings(min_risk_reward=2)
    rejected, approved = size(PLAN, RICH, settings), size(PLAN, RICH, RiskManagerSettings())
    assert [v.rule for v in rejected.verdicts] == [v.rule for v in approved.verdicts]
    assert (rejected.size, rejected.wanted) == (0, 800)


def test_one_position_more_than_allowed_is_rejected_but_adding_to_one_is_not() -> None:
    held = (Held("MSFT", Decimal(1), Decimal(100)),)
    settings = RiskManagerSettings(max_open_positions=1)
    assert size(PLAN, account(positions=held), settings).size == 0
    own = (Held("AAPL", Decimal(1), Decimal(100)),)
    assert size(PLAN, account(positions=own), settings).size > 0


def test_a_trade_against_an_open_position_is_rejected() -> None:
    held = (Held("AAPL", Decimal(-5), Decimal(150)),)
    assert size(PLAN, account(positions=held), RiskManagerSettings()).size == 0


def test_exposure_in_the_symbol_counts_what_is_held() -> None:
    held = (Held("AAPL", Decimal(100), Decimal(150)),)
    sizing = size(PLAN, account(positions=held), RiskManagerSettings(max_position_pct=100, max_symbol_exposure_pct=20))
    assert sizing.size == Decimal(33)  # 5,000 USD are left of 20,000


def test_coins_are_sized_in_fractions() -> None:
    plan = Proposal("BINANCE:BTCUSDT", TradeSide.BUY, Decimal(64_000), Decimal(63_800), Decimal("1.5"))
    assert size(plan, RICH, RiskManagerSettings()).size == Decimal("0.15625")


@pytest.mark.parametrize("equity", [Decimal(0), Decimal(-100)])
def test_nothing_is_traded_without_equity(equity: Decimal) -> None:
    sizing = size(PLAN, account(equity_usd=equity), RiskManagerSettings())
    assert sizing.rejected_by is not None
    assert sizing.size == 0


money = st.decimals(0, 10_000_000, places=2, allow_nan=False, allow_infinity=False)
price = st.decimals(Decimal("0.01"), 100_000, places=4, allow_nan=False, allow_infinity=False)
percent = st.floats(0.01, 100, allow_nan=False)


@st.composite
def accounts(draw: st.DrawFn) -> AccountNow:
    held = draw(
        st.lists(
            st.builds(
                Held,
                symbol=st.sampled_from(["AAPL", "MSFT", "BINANCE:BTCUSDT"]),
                quantity=st.decimals(-1000, 1000, places=3, allow_nan=False, allow_infinity=False),
                price=price,
            ),
            max_size=3,
            unique_by=lambda h: h.symbol,
        )
    )
    day = draw(st.decimals(-100_000, 100_000, places=2, allow_nan=False, allow_infinity=False))
    halted = draw(st.sampled_from(["", "", "", "halted"]))
    return AccountNow(draw(money), draw(money), day, tuple(held), draw(money), halted)


@given(
    account=accounts(),
    symbol=st.sampled_from(["AAPL", "BINANCE:BTCUSDT"]),
    side=st.sampled_from([TradeSide.BUY, TradeSide.SELL]),
    entry=price,
    stop=price,
    ratio=st.decimals(0, 10, places=2, allow_nan=False, allow_infinity=False),
    risk=st.floats(0.01, 10),
    position=percent,
    in_symbol=percent,
    total=percent,
    most=st.integers(1, 5),
    loss=percent,
    drawdown=percent,
)
def test_no_approved_size_ever_breaks_a_rule(
    account: AccountNow,
    symbol: str,
    side: TradeSide,
    entry: Decimal,
    stop: Decimal,
    ratio: Decimal,
    *,
    risk: float,
    position: float,
    in_symbol: float,
    total: float,
    most: int,
    loss: float,
    drawdown: float,
) -> None:
    if entry == stop:
        return
    settings = RiskManagerSettings(
        risk_per_trade_pct=risk,
        max_position_pct=position,
        max_symbol_exposure_pct=in_symbol,
        max_total_exposure_pct=total,
        max_open_positions=most,
        daily_loss_stop_pct=loss,
        drawdown_halt_pct=drawdown,
    )
    sizing = size(Proposal(symbol, side, entry, stop, ratio), account, settings)
    units = sizing.size
    assert units >= 0
    if units == 0:
        return
    value, equity = units * entry, account.equity_usd

    def share(value: float) -> Decimal:
        return equity * decimal_of(value) / 100

    held = [h for h in account.positions if h.symbol == symbol]
    assert units == Instrument(symbol).round_quantity(units)
    assert units * abs(entry - stop) <= share(risk)
    assert value <= share(position)
    assert value + sum(h.value_usd for h in held) <= share(in_symbol)
    assert value + sum(h.value_usd for h in account.positions) <= share(total)
    assert value <= account.buying_power_usd
    assert ratio >= decimal_of(settings.min_risk_reward)
    assert sum(h.symbol != symbol for h in account.positions) < most
    assert all((h.quantity >= 0) if side is TradeSide.BUY else (h.quantity <= 0) for h in held)
    assert not account.halted
    lost_today, lost = -account.day_pnl_usd, account.peak_equity_usd - equity
    assert lost_today <= 0 or lost_today < (equity + lost_today) * decimal_of(loss) / 100
    assert lost <= 0 or lost < account.peak_equity_usd * decimal_of(drawdown) / 100
    assert not any(v.effect == "rejected" for v in sizing.verdicts)
