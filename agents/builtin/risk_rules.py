"""Position size and every risk rule: deterministic, Decimal, pure. Each rule says what it found and allows.

Rules that judge come first: one that is broken rejects. Then rules that limit: the size is the least that any of
them allows, rounded down to what the market trades.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from agents.brokers.broker import AccountNow
from agents.instrument import Instrument
from core.catalog.trading import RiskManagerSettings
from core.numbers import decimal_of
from core.pipeline.state import RuleVerdict, TradeSide

_PERCENT = Decimal(100)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trade to be sized. `entry` and `stop` are positive and differ."""

    symbol: str
    side: TradeSide
    entry: Decimal
    stop: Decimal
    risk_reward: Decimal

    @property
    def risk_per_unit(self) -> Decimal:
        return abs(self.entry - self.stop)


@dataclass(frozen=True, slots=True)
class Sizing:
    """The outcome. `wanted` is the size by the risk of the trade alone; `size` 0 is a rejection."""

    size: Decimal
    wanted: Decimal
    verdicts: tuple[RuleVerdict, ...]

    @property
    def rejected_by(self) -> RuleVerdict | None:
        return next((v for v in self.verdicts if v.effect == "rejected"), None)

    @property
    def reduced_by(self) -> RuleVerdict | None:
        """Return the rule that bound the size: the last that reduced it."""
        return next((v for v in reversed(self.verdicts) if v.effect == "reduced"), None)


def size(proposal: Proposal, account: AccountNow, settings: RiskManagerSettings) -> Sizing:
    """Return how many units may be traded, with every rule's verdict."""
    judged = [
        _kill_switch(account),
        _equity(account),
        _risk_reward(proposal, settings),
        _daily_loss(account, settings),
        _drawdown(account, settings),
        _open_positions(proposal, account, settings),
        _opposite(proposal, account),
    ]
    if account.equity_usd <= 0:
        # Shares of nothing limit nothing: what judges has said it all.
        return Sizing(Decimal(0), Decimal(0), tuple(judged))
    return _limit(proposal, account, settings, judged=judged, instrument=Instrument(proposal.symbol))


def _limit(
    proposal: Proposal,
    account: AccountNow,
    settings: RiskManagerSettings,
    *,
    judged: list[RuleVerdict],
    instrument: Instrument,
) -> Sizing:
    risk = _by_risk(account, settings)
    wanted = instrument.round_quantity(risk / proposal.risk_per_unit)
    verdicts = [
        *judged,
        _limits("risk_per_trade", wanted > 0, found=f"{wanted:f} units", limit=f"{_usd(risk)} at the stop"),
    ]
    allowed = wanted
    for rule, room in _rooms(proposal, account, settings):
        fits = instrument.round_quantity(max(room, Decimal(0)) / proposal.entry)
        is_within = allowed <= fits
        found = f"{allowed:f} units, {_usd(allowed * proposal.entry)}"
        verdicts.append(
            _limits(rule, is_within or fits > 0, found=found, limit=_usd(max(room, Decimal(0))), reduces=not is_within)
        )
        allowed = min(allowed, fits)
    if wanted == 0:
        verdicts[len(judged)] = verdicts[len(judged)].model_copy(update={"passed": False, "effect": "rejected"})
    is_rejected = any(verdict.effect == "rejected" for verdict in verdicts)
    return Sizing(Decimal(0) if is_rejected else allowed, wanted, tuple(verdicts))


def _rooms(proposal: Proposal, account: AccountNow, settings: RiskManagerSettings) -> list[tuple[str, Decimal]]:
    """Return the USD that each limit leaves for this trade."""
    in_symbol = sum((h.value_usd for h in account.positions if h.symbol == proposal.symbol), Decimal(0))
    in_all = sum((h.value_usd for h in account.positions), Decimal(0))
    share = _share_of(account)
    return [
        ("max_position", share(settings.max_position_pct)),
        ("max_symbol_exposure", share(settings.max_symbol_exposure_pct) - in_symbol),
        ("max_total_exposure", share(settings.max_total_exposure_pct) - in_all),
        ("buying_power", account.buying_power_usd),
    ]


def _share_of(account: AccountNow) -> Callable[[float], Decimal]:
    return lambda percent: account.equity_usd * decimal_of(percent) / _PERCENT


def _by_risk(account: AccountNow, settings: RiskManagerSettings) -> Decimal:
    return account.equity_usd * decimal_of(settings.risk_per_trade_pct) / _PERCENT


def _kill_switch(account: AccountNow) -> RuleVerdict:
    return _judges("kill_switch", not account.halted, found=account.halted or "off", limit="off")


def _equity(account: AccountNow) -> RuleVerdict:
    return _judges("equity", account.equity_usd > 0, found=_usd(account.equity_usd), limit="above 0")


def _risk_reward(proposal: Proposal, settings: RiskManagerSettings) -> RuleVerdict:
    least = decimal_of(settings.min_risk_reward)
    found = proposal.risk_reward
    return _judges("min_risk_reward", found >= least, found=f"{found:.2f}", limit=f"at least {least:f}")


def _daily_loss(account: AccountNow, settings: RiskManagerSettings) -> RuleVerdict:
    # The day began with what there is now less what the day brought.
    start = account.equity_usd - account.day_pnl_usd
    most = max(start, Decimal(0)) * decimal_of(settings.daily_loss_stop_pct) / _PERCENT
    loss = max(Decimal(0), -account.day_pnl_usd)
    return _judges("daily_loss_stop", loss == 0 or loss < most, found=_usd(loss), limit=f"less than {_usd(most)}")


def _drawdown(account: AccountNow, settings: RiskManagerSettings) -> RuleVerdict:
    most = account.peak_equity_usd * decimal_of(settings.drawdown_halt_pct) / _PERCENT
    lost = max(Decimal(0), account.peak_equity_usd - account.equity_usd)
    found = f"{_usd(lost)} below {_usd(account.peak_equity_usd)}"
    return _judges("drawdown_halt", lost == 0 or lost < most, found=found, limit=f"less than {_usd(most)}")


def _open_positions(proposal: Proposal, account: AccountNow, settings: RiskManagerSettings) -> RuleVerdict:
    others = sum(1 for held in account.positions if held.symbol != proposal.symbol)
    most = settings.max_open_positions
    return _judges("max_open_positions", others < most, found=f"{others} others open", limit=f"{most} with this one")


def _opposite(proposal: Proposal, account: AccountNow) -> RuleVerdict:
    held = sum((h.quantity for h in account.positions if h.symbol == proposal.symbol), Decimal(0))
    is_against = held < 0 if proposal.side is TradeSide.BUY else held > 0
    return _judges("no_opposite_position", not is_against, found=f"{held:f} held", limit="none in the other direction")


def _judges(rule: str, passed: bool, *, found: str, limit: str) -> RuleVerdict:
    return RuleVerdict(rule=rule, passed=passed, found=found, limit=limit, effect="none" if passed else "rejected")


def _limits(rule: str, passed: bool, *, found: str, limit: str, reduces: bool = False) -> RuleVerdict:
    effect = "rejected" if not passed else "reduced" if reduces else "none"
    return RuleVerdict(rule=rule, passed=passed and not reduces, found=found, limit=limit, effect=effect)


def _usd(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT):,f} USD"
