"""Alpaca as a broker of ours: the entry goes with a stop for all of it (OTO); filled, two OCOs take that stop's place.

Shares in whole numbers, in regular hours. The books are Alpaca's; our tables follow them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from agents.brokers.alpaca.coverage import Coverage, coverages
from agents.brokers.alpaca.desk import Desk, Requests
from agents.brokers.alpaca.follow import Follower
from agents.brokers.alpaca.protection import is_open, parent_of, stop_of_entry
from agents.brokers.broker import AccountNow, Held, OrderPlan
from agents.instrument import Instrument
from core.clock import Clock, to_datetime, to_ms
from core.errors import NotFound
from core.store import orders
from core.store.orders import Order
from core.store.postgres import Engine

ALPACA = "alpaca"
_LOOKS = 20
_PART_FILLED_MS, _UNFILLED_MS = 60_000, 660_000
"""How long an entry may stand that nobody waits for any more: a part of it is held without a stop, or nothing is."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`changed` are orders whose state or fills were news, `coverages` what stops stand for what is held."""

    changed: tuple[Order, ...]
    coverages: tuple[Coverage, ...]


@dataclass(frozen=True, slots=True)
class AlpacaBroker:
    """`account_id` is that of the connection, `halted` why nothing new may be traded, empty while it may."""

    client: Requests
    engine: Engine
    clock: Clock
    account_id: UUID
    account_type: Literal["paper", "live"] = "paper"
    halted: str = ""
    pause_s: float = 0.5
    poll_s: float = 2.0
    """An account has 200 requests a minute, and a look takes two or three."""
    name: str = ALPACA

    def account(self, user_id: UUID) -> AccountNow:  # noqa: ARG002 - the connection is one user's
        """Return the account as Alpaca values it; the day is Alpaca's, from the last close."""
        account, positions = self._desk.account(), self._desk.positions()
        return AccountNow(
            equity_usd=account.equity,
            buying_power_usd=account.buying_power,
            day_pnl_usd=account.equity - account.last_equity,
            positions=tuple(Held(p.symbol, p.quantity, p.current_price or p.avg_entry_price) for p in positions),
            halted=self.halted or account.halted,
        )

    def find(self, client_order_id: str) -> Order | None:
        """Return an order as it stands after its trade was brought forward; None where it never arrived."""
        found = self._row(client_order_id)
        if found is None or found.trade_id is None:
            return None
        with self._follower.alone_with(found.trade_id):
            self._follower.follow(found.trade_id)
        found = self._row(client_order_id)
        return None if found is None or found.state == "created" else found

    def submit(self, plan: OrderPlan) -> Order:
        """Send an entry with its stop, once, and protect what has filled of it.

        Raises:
            NotFound: the order was not written before.
            OutcomeUnknown: nobody says whether it arrived; `find` or `submit` it again.
        """
        written = self._row(plan.client_order_id)
        if written is None or written.trade_id is None:
            raise NotFound(f"order {plan.client_order_id} was not written before it was sent")
        with self._follower.alone_with(written.trade_id):
            entry = self._row(plan.client_order_id) or written
            if entry.state == "created":
                self._send(entry, plan)
            self._follower.follow(written.trade_id)
        return self._row(plan.client_order_id) or written

    def cancel(self, client_order_id: str) -> Order | None:
        """Cancel what is not filled of an entry, wait until it is, and protect what is held."""
        found = self._row(client_order_id)
        if found is None or found.trade_id is None or not is_open(found):
            return found
        with self._follower.alone_with(found.trade_id):
            self._cancel_entry(found, found.trade_id)
        return self._row(client_order_id)

    def legs(self, trade_id: UUID) -> list[Order]:
        with self.engine.connect() as tx:
            return orders.orders_of(tx, trade_id)

    def reconcile(self, at: datetime) -> Reconciled:
        """Read every live trade's orders, book what is new, and do what they call for.

        Raises:
            Unavailable: Alpaca does not answer; what was booked before stays booked.
            OutcomeUnknown: nobody says whether a stop arrived; the next call goes on.
        """
        changed: list[Order] = []
        for trade_id in self._live():
            before = {row.id: row for row in self.legs(trade_id)}
            with self._follower.alone_with(trade_id):
                self._cancel_if_stale(trade_id, to_ms(at))
                after = self._follower.follow(trade_id)
            changed += [row for row in after if before.get(row.id) != row]
        return Reconciled(tuple(changed), self.coverages())

    def coverages(self) -> tuple[Coverage, ...]:
        """Return what is held and what stops stand for it, by symbol, as Alpaca has it now."""
        return tuple(coverages(self._desk.positions(), self._desk.orders()))

    def flatten(self, at: datetime) -> bool:
        """Cancel everything, close every position, and return whether nothing is held or works any more.

        Trades are marked as closing first: a stop is not made again meanwhile, and whoever reconciles after a kill
        goes on closing.
        """
        live = self._live()
        for trade_id in live:
            self._mark_closing(trade_id, at)
        self._desk.cancel_all()
        for _ in range(_LOOKS):
            if not self._desk.working():
                break
            self._desk.wait()
        for trade_id in live:
            with self._follower.alone_with(trade_id):
                self._follower.follow(trade_id)
        going = {order.symbol for order in self._desk.working()} | self._symbols_of(self._live())
        for position in self._desk.positions():
            # What a trade of ours still leads out of is left to it: closed twice it would be open the other way.
            if position.symbol not in going:
                self._desk.close(position.symbol)
        return not self._desk.positions() and not self._desk.working()

    def _send(self, entry: Order, plan: OrderPlan) -> None:
        now = to_datetime(self.clock.now_ms())
        detail = entry.detail | {"sent_ms": self.clock.now_ms()}
        refused = self._refusal(plan)
        with self.engine.begin() as tx:
            orders.change_order(tx, entry.id, now, account_id=self.account_id, detail=detail, sent_at=now)
            if entry.trade_id is not None:
                orders.change_trade(tx, entry.trade_id, account_id=self.account_id)
            trade = orders.trade(tx, entry.trade_id) if entry.trade_id else None
            if refused:
                orders.change_order(tx, entry.id, now, state="rejected", error=refused)
                if trade is not None:
                    orders.change_trade(tx, trade.id, status="rejected")
        written = self._row(entry.client_order_id)
        if not refused and written is not None and trade is not None:
            self._follower.make((written, stop_of_entry(written, trade)))

    def _refusal(self, plan: OrderPlan) -> str:
        if self.halted:
            # Switched since risk looked.
            return self.halted
        if not Instrument(plan.symbol).is_share or plan.quantity % 1:
            return "Alpaca protects whole US shares only"
        return ""

    def _cancel_entry(self, entry: Order, trade_id: UUID) -> None:
        self._follower.look(trade_id)
        for _ in range(_LOOKS):
            row = self._row(entry.client_order_id)
            if row is None or not is_open(row):
                break
            self._follower.cancel(row)
            self._follower.look(trade_id)
            row = self._row(entry.client_order_id)
            if row is not None and is_open(row):
                self._desk.wait()
                self._follower.look(trade_id)
        self._follower.follow(trade_id)

    def _cancel_if_stale(self, trade_id: UUID, now_ms: int) -> None:
        entry = next((row for row in self._follower.look(trade_id) if row.leg == "entry"), None)
        if entry is None or not is_open(entry) or not entry.broker_order_id:
            return
        sent_ms = entry.detail.get("sent_ms")
        most = _PART_FILLED_MS if entry.filled_quantity > 0 else _UNFILLED_MS
        if isinstance(sent_ms, int) and now_ms - sent_ms > most:
            self._cancel_entry(entry, trade_id)

    def _mark_closing(self, trade_id: UUID, at: datetime) -> None:
        with self.engine.begin() as tx:
            for row in orders.orders_of(tx, trade_id):
                if row.leg == "entry" and not parent_of(row):
                    orders.change_order(tx, row.id, at, detail=row.detail | {"closing": True})

    def _live(self) -> list[UUID]:
        with self.engine.connect() as tx:
            return orders.live_trades(tx, self.account_id)

    def _symbols_of(self, trade_ids: list[UUID]) -> set[str]:
        return {row.symbol for trade_id in trade_ids for row in self.legs(trade_id)[:1]}

    def _row(self, client_order_id: str) -> Order | None:
        with self.engine.connect() as tx:
            return orders.by_client_order_id(tx, client_order_id)

    @property
    def _desk(self) -> Desk:
        return Desk(self.client, self.pause_s)

    @property
    def _follower(self) -> Follower:
        return Follower(self._desk, self.engine, self.clock, self.account_id)
