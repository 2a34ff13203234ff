"""The built-in paper broker: fills from the live tape, books in Postgres, no margin.

A market order fills at the last price, a little worse (slippage), and pays commission. Protection is written in
the same transaction as the fill of the entry: there is no moment at which a position stands without its stop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
import redis

from agents.brokers.book import book
from agents.brokers.broker import AccountNow, Held, OrderPlan
from agents.brokers.lots import plan_of, protection
from agents.instrument import Instrument
from core.clock import Clock, to_datetime
from core.errors import NotFound, Unavailable
from core.numbers import decimal_of
from core.settings import Settings
from core.store import orders
from core.store import redis as live
from core.store.orders import PAPER, Account, Fill, Order, Position, Trade
from core.store.postgres import Connection, Engine

_SLIPPAGE = Decimal("0.0002")
_COMMISSION_SHARE_USD = Decimal("0.005")
_COMMISSION_RATE = Decimal("0.001")
_CENT_FRACTION = Decimal("0.000001")
_USABLE = ("live", "quiet", "")
"""Healths of a feed whose last price may be traded at; empty = nobody said."""


@dataclass(frozen=True, slots=True)
class PaperBroker:
    settings: Settings
    engine: Engine
    redis: redis.Redis
    clock: Clock
    name: str = PAPER
    account_type: Literal["paper", "live"] = "paper"
    poll_s: float = 0.25

    def account(self, user_id: UUID) -> AccountNow:
        now = self._now()
        with self.engine.begin() as tx:
            account = self._account(tx, user_id)
            held = orders.positions(tx, account.id)
            realized = orders.realized_since(tx, account.id, _day(now))
            peak = account.start_cash_usd + orders.peak_earned(tx, account.id)
        valued = _account_now(account, held, realized, self.prices([p.symbol for p in held]))
        return replace(valued, peak_equity_usd=peak, halted=self._halted)

    def find(self, client_order_id: str) -> Order | None:
        with self.engine.connect() as tx:
            found = orders.by_client_order_id(tx, client_order_id)
        return None if found is None or found.state == "created" else found

    def submit(self, plan: OrderPlan) -> Order:
        price = self.price(plan.symbol)
        with self.engine.begin() as tx:
            account = self._account(tx, plan.user_id)
            order = orders.by_client_order_id(tx, plan.client_order_id, hold=True)
            if order is None:
                raise NotFound(f"order {plan.client_order_id} was not written before it was sent")
            if order.state != "created":
                return order
            orders.change_order(tx, order.id, self._now(), state="working", sent_at=self._now(), account_id=account.id)
            if self._halted:
                # Switched since risk looked.
                self._reject(tx, order, self._halted)
            elif plan.side == "buy" and plan.quantity * plan.entry_price > self._buying_power(tx, account):
                self._reject(tx, order, "not enough buying power")
            elif is_due(order, price):
                self.fill(tx, order.client_order_id, price)
            return self._read(tx, plan.client_order_id)

    def cancel(self, client_order_id: str) -> Order | None:
        with self.engine.begin() as tx:
            order = orders.by_client_order_id(tx, client_order_id, hold=True)
            if order is None or order.state not in ("created", "working"):
                return order
            orders.change_order(tx, order.id, self._now(), state="cancelled")
            if order.leg == "entry" and order.trade_id:
                orders.change_trade(tx, order.trade_id, status="cancelled", closed_at=self._now())
            return self._read(tx, client_order_id)

    def legs(self, trade_id: UUID) -> list[Order]:
        with self.engine.connect() as tx:
            return orders.orders_of(tx, trade_id)

    def price(self, symbol: str) -> Decimal:
        """Return the last price of the tape.

        Raises:
            Unavailable: there is none, or the feed is away.
        """
        found = self.prices([symbol]).get(symbol)
        if found is None:
            raise Unavailable(f"no live price of {symbol} to fill at")
        return found

    def prices(self, symbols: list[str]) -> dict[str, Decimal]:
        """Return the live prices there are."""
        return {
            snapshot.symbol: decimal_of(snapshot.price)
            for snapshot in live.snapshots(self.redis, symbols)
            if snapshot.price and snapshot.health in _USABLE
        }

    def fill(self, tx: Connection, client_order_id: str, price: Decimal) -> Order | None:
        """Fill a working order whole at a price of the tape; None where it no longer works.

        The account's row is held first, so that two fills of one account never cross.
        """
        found = orders.by_client_order_id(tx, client_order_id)
        if found is None or found.trade_id is None:
            return None
        account = self._account(tx, found.user_id)
        order = orders.by_client_order_id(tx, client_order_id, hold=True)
        trade = orders.trade(tx, found.trade_id)
        if order is None or trade is None or order.state != "working":
            return None
        paid = fill_price(order, price)
        commission = commission_of(order.symbol, order.quantity, paid)
        held = orders.position(tx, account.id, order.symbol)
        booking = book(held, order.side, order.quantity, price=paid, commission=commission)
        fill = Fill(
            order_id=order.id,
            number=1,
            quantity=order.quantity,
            price=paid,
            commission_usd=commission,
            realized_pnl_usd=booking.realized_usd,
        )
        order = msgspec.structs.replace(order, account_id=account.id)
        if not orders.add_fill(tx, order, fill, self._now()):
            return None
        orders.save_position(tx, account.id, booking.position, self._now())
        orders.add_cash(tx, account.id, booking.cash_usd, self._now())
        orders.change_order(
            tx, order.id, self._now(), state="filled", filled_quantity=order.quantity, filled_price=paid
        )
        if order.leg == "entry":
            self._opened(tx, order, trade, paid=paid, commission=commission)
        else:
            self._reduced(tx, order, trade, paid=paid, commission=commission)
        return self._read(tx, client_order_id)

    def _opened(self, tx: Connection, order: Order, trade: Trade, *, paid: Decimal, commission: Decimal) -> None:
        worse = paid - (trade.entry_price or paid)
        orders.change_trade(
            tx,
            trade.id,
            account_id=order.account_id,
            status="open",
            filled_price=paid,
            filled_quantity=order.quantity,
            slippage=worse if order.side == "buy" else -worse,
            commission=commission,
            filled_at=self._now(),
        )
        for leg in protection(order, trade, plan_of(order)):
            orders.add_order(tx, leg, self._now())

    def _reduced(self, tx: Connection, order: Order, trade: Trade, *, paid: Decimal, commission: Decimal) -> None:
        orders.cancel_group(tx, trade.id, order.oco_group, self._now())
        sign = 1 if trade.action == "BUY" else -1
        pnl = sign * order.quantity * (paid - (trade.filled_price or paid)) - commission
        total = (trade.pnl if trade.pnl is not None else -trade.commission) + pnl
        orders.change_trade(tx, trade.id, pnl=total, commission=trade.commission + commission)
        left = [leg for leg in orders.orders_of(tx, trade.id) if leg.state == "working"]
        if not left:
            orders.change_trade(tx, trade.id, status="closed", closed_at=self._now())
        elif order.leg == "target_1":
            self._to_break_even(tx, trade, left)

    def _to_break_even(self, tx: Connection, trade: Trade, left: list[Order]) -> None:
        """Move the survivor's stop to the entry: what is left of the trade no longer loses."""
        for leg in left:
            if leg.leg == "stop" and trade.filled_price is not None:
                stop = Instrument(trade.symbol).round_price(trade.filled_price)
                orders.change_order(tx, leg.id, self._now(), stop_price=stop)

    def _buying_power(self, tx: Connection, account: Account) -> Decimal:
        held = orders.positions(tx, account.id)
        return _account_now(account, held, Decimal(0), self.prices([p.symbol for p in held])).buying_power_usd

    @property
    def _halted(self) -> str:
        return "TAPEWATCH_TRADING_HALTED is on" if self.settings.trading_halted else ""

    def _reject(self, tx: Connection, order: Order, reason: str) -> None:
        orders.change_order(tx, order.id, self._now(), state="rejected", error=reason)
        if order.trade_id:
            orders.change_trade(tx, order.trade_id, status="rejected")

    def _account(self, tx: Connection, user_id: UUID) -> Account:
        return orders.paper_account(tx, user_id, start_cash_usd=self.settings.paper_cash_usd, at=self._now())

    def _read(self, tx: Connection, client_order_id: str) -> Order:
        found = orders.by_client_order_id(tx, client_order_id)
        if found is None:
            raise NotFound(f"order {client_order_id} vanished")
        return found

    def _now(self) -> datetime:
        return to_datetime(self.clock.now_ms())


def is_due(order: Order, price: Decimal) -> bool:
    """Return whether an order fills at a price of the tape."""
    is_buy = order.side == "buy"
    match order.order_type:
        case "market":
            return True
        case "limit":
            limit = order.limit_price
            return limit is not None and (price <= limit if is_buy else price >= limit)
        case "stop":
            stop = order.stop_price
            return stop is not None and (price >= stop if is_buy else price <= stop)


def fill_price(order: Order, price: Decimal) -> Decimal:
    """Return what is paid: a limit order never worse than its limit, the others a little worse than the tape."""
    instrument = Instrument(order.symbol)
    if order.order_type == "limit" and order.limit_price is not None:
        return min(price, order.limit_price) if order.side == "buy" else max(price, order.limit_price)
    slip = max(price * _SLIPPAGE, instrument.price_step(price))
    return instrument.round_price(price + slip if order.side == "buy" else price - slip)


def commission_of(symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
    """Return USD: half a cent a share, a thousandth of the value of anything else."""
    due = quantity * (_COMMISSION_SHARE_USD if Instrument(symbol).is_share else price * _COMMISSION_RATE)
    return due.quantize(_CENT_FRACTION)


def _account_now(account: Account, held: list[Position], realized: Decimal, prices: dict[str, Decimal]) -> AccountNow:
    """Value an account; a position without a live price counts at its average."""
    valued = tuple(Held(p.symbol, p.quantity, prices.get(p.symbol, p.average_price)) for p in held)
    equity = account.cash_usd + sum((v.quantity * v.price for v in valued), Decimal(0))
    exposure = sum((v.value_usd for v in valued), Decimal(0))
    open_pnl = sum((p.quantity * (v.price - p.average_price) for p, v in zip(held, valued, strict=True)), Decimal(0))
    return AccountNow(
        equity_usd=equity,
        buying_power_usd=max(Decimal(0), equity - exposure),
        day_pnl_usd=realized + open_pnl,
        positions=valued,
    )


def _day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
