"""One trade at Alpaca: its orders read and booked, and what they call for done, until nothing is left to do.

Killed between any two requests it goes on from our tables and Alpaca's answers: every order is written before it is
sent, under an id that is sent again as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from agents.brokers.alpaca.answers import STOPS, OrderAnswer
from agents.brokers.alpaca.booking import book_order, book_trade
from agents.brokers.alpaca.client import Rejected
from agents.brokers.alpaca.desk import Desk
from agents.brokers.alpaca.protection import Todo, held_of, is_open, is_unsure, parent_of, todo
from agents.brokers.alpaca.translate import body
from core.clock import Clock, to_datetime
from core.errors import NotFound, OutcomeUnknown
from core.observability import logger
from core.store import orders
from core.store.orders import Order, Trade
from core.store.postgres import Connection, Engine

_log = logger(__name__)
_LOCK_CLASS = 7_261_011
_ROUNDS = 20
_AT_ONCE = threading.BoundedSemaphore(3)
"""Who follows keeps a connection to Postgres while Alpaca is asked; the threads of a process share a few of them."""
_NOT_YET = 40_310_000
"""Shares that an order just cancelled still reserves, or an order on the other side that still works."""


@dataclass(frozen=True, slots=True)
class Follower:
    desk: Desk
    engine: Engine
    clock: Clock
    account_id: UUID

    @contextmanager
    def alone_with(self, trade_id: UUID) -> Generator[None]:
        """Keep everybody else from following a trade: the worker that waits for its fill, the one that reconciles."""
        with _AT_ONCE, self.engine.begin() as tx:
            tx.execute(
                text("SELECT pg_advisory_xact_lock(:class, hashtext(:key))"),
                {"class": _LOCK_CLASS, "key": str(trade_id)},
            )
            yield

    def follow(self, trade_id: UUID) -> list[Order]:
        """Bring a trade to where nothing is left to do now, and return its orders.

        What waits for Alpaca (a cancel that takes its time) is waited for a while and goes on with the next call.

        Raises:
            OutcomeUnknown: nobody says whether a stop alone or a way out arrived; the next call sends it again.
            Unavailable: Alpaca does not answer what is asked.
        """
        moved: set[UUID] = set()
        rows = self.look(trade_id)
        for _ in range(_ROUNDS):
            todo_now = self._todo(trade_id, rows)
            moves = tuple(move for move in todo_now.move if move[0].id not in moved)
            if not (todo_now.cancel or todo_now.make or moves):
                break
            if not self._is_there(rows):
                _log.warning("Alpaca shows no position of what was filled; nothing is sent", trade=str(trade_id))
                self.desk.wait()
                rows = self.look(trade_id)
                continue
            for order in todo_now.cancel:
                self.cancel(order)
            is_delayed = [not self.make(group) for group in todo_now.make]
            for order, price in moves:
                moved.add(order.id)
                if not self.desk.move_stop(order.broker_order_id, price):
                    _log.warning("stop not moved", order=order.client_order_id, price=str(price))
            rows = self.look(trade_id)
            if any(is_delayed) or self._todo(trade_id, rows).cancel:
                self.desk.wait()
                rows = self.look(trade_id)
        return rows

    def look(self, trade_id: UUID) -> list[Order]:
        """Read what is not over of a trade, book it, and return its orders."""
        rows = self._rows(trade_id)
        for parent in [row for row in rows if not parent_of(row)]:
            legs = [row for row in rows if parent_of(row) == parent.client_order_id]
            if not any(is_open(row) for row in (parent, *legs)):
                continue
            answer = self.desk.order(parent)
            if answer is not None:
                self.book(trade_id, (parent, *legs), answer)
        return self._rows(trade_id)

    def book(self, trade_id: UUID, group: Sequence[Order], answer: OrderAnswer) -> None:
        parent, *legs = group
        stop = self._leg(answer) if legs else None
        with self.engine.begin() as tx:
            trade = self._trade(tx, trade_id)
            book_order(tx, parent, answer, self._now())
            book_trade(tx, trade, orders.orders_of(tx, trade_id), self._now())
            if stop is not None:
                for leg in legs:
                    book_order(tx, leg, stop, self._now())
            book_trade(tx, self._trade(tx, trade_id), orders.orders_of(tx, trade_id), self._now())

    def make(self, group: Sequence[Order]) -> bool:
        """Write and send a group; False where Alpaca does not take it yet.

        Raises:
            OutcomeUnknown: nobody says whether it arrived, and there is no shorter way to cover what is held.
            Rejected: never; a refusal is written with the order.
        """
        parent, *legs = group
        with self.engine.begin() as tx:
            for row in group:
                orders.add_order(tx, row, self._now())
        try:
            answer = self.desk.place(parent, body(parent, legs[0] if legs else None))
        except Rejected as refused:
            if refused.code == _NOT_YET and parent.leg != "entry":
                return False
            self._end(group, "rejected", str(refused))
            return True
        except OutcomeUnknown as unknown:
            if parent.leg == "entry":
                raise
            self._end(group, "unknown", str(unknown))
            if not legs:
                raise
            return True
        if parent.trade_id is not None:
            self.book(parent.trade_id, group, answer)
        return True

    def cancel(self, order: Order) -> None:
        """Ask for a cancel; what never arrived is cancelled here."""
        if order.broker_order_id:
            self.desk.cancel(order.broker_order_id)
            return
        rows = self._rows(order.trade_id) if order.trade_id else []
        self._end([r for r in rows if order.client_order_id in (r.client_order_id, parent_of(r))], "cancelled", "")

    def _end(self, group: Sequence[Order], state: str, error: str) -> None:
        with self.engine.begin() as tx:
            for row in group:
                orders.change_order(tx, row.id, self._now(), state=state, error=error)
            trade_id = group[0].trade_id if group else None
            if trade_id is not None:
                book_trade(tx, self._trade(tx, trade_id), orders.orders_of(tx, trade_id), self._now())

    def _is_there(self, rows: Sequence[Order]) -> bool:
        """Return whether Alpaca holds what a trade is to be protected for.

        Where somebody closed it by hand, a stop or a sale of ours would open a position the other way.
        """
        entry = next(row for row in rows if row.leg == "entry")
        if held_of(entry, [row for row in rows if row.leg != "entry"]) <= 0:
            return True
        found = {position.symbol: position.quantity for position in self.desk.positions()}.get(entry.symbol)
        return found is not None and (found > 0) == (entry.side == "buy")

    def _leg(self, answer: OrderAnswer) -> OrderAnswer | None:
        stops = [leg for leg in answer.legs or [] if leg.type in STOPS]
        standing = [leg for leg in stops if leg.replaced_by is None]
        found = (standing or stops)[-1:]
        return self.desk.latest(found[0]) if found else None

    def _todo(self, trade_id: UUID, rows: Sequence[Order]) -> Todo:
        entry = next((row for row in rows if row.leg == "entry"), None)
        if entry is None or (is_unsure(entry)):
            return Todo()
        with self.engine.connect() as tx:
            trade = self._trade(tx, trade_id)
        return todo(trade, entry, [row for row in rows if row.leg != "entry"])

    def _rows(self, trade_id: UUID) -> list[Order]:
        with self.engine.connect() as tx:
            return orders.orders_of(tx, trade_id)

    def _trade(self, tx: Connection, trade_id: UUID) -> Trade:
        found = orders.trade(tx, trade_id)
        if found is None:
            raise NotFound(f"trade {trade_id} is gone")
        return found

    def _now(self) -> datetime:
        return to_datetime(self.clock.now_ms())
