"""The trade manager: sends an approved trade with its stop and targets, once.

The intent is written before anything is sent, under ids that derive from the execution. Run again after a kill
it finds what it wrote, asks the broker for it, and sends only what never arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from agents.agent import Agent, Result, Step
from agents.brokers.broker import Broker, Lot, OrderPlan
from agents.brokers.choice import make_broker
from agents.brokers.lots import lots_detail
from agents.instrument import Instrument
from core.catalog.trading import TradeManagerSettings
from core.clock import to_datetime
from core.errors import TapewatchError
from core.numbers import decimal_of, plain, price_words
from core.pipeline.state import OrderLeg, PipelineState, RiskDecision, StrategySignal, TradeExecution, TradeSide
from core.store import orders
from core.store.orders import Order, OrderState, Side, Trade

_OPEN: frozenset[OrderState] = frozenset(("sent", "held", "working", "partially_filled", "unknown"))
_STATUS: Mapping[OrderState, Literal["accepted", "partially_filled", "filled", "rejected", "cancelled"]] = {
    "filled": "filled",
    "partially_filled": "partially_filled",
    "rejected": "rejected",
    "cancelled": "cancelled",
    "expired": "cancelled",
}


class TradeManagerAgent(Agent[TradeManagerSettings]):
    agent_type = "trade_manager_agent"

    def skip_reason(self, state: PipelineState) -> str | None:
        if state.strategy is not None and state.strategy.action is TradeSide.HOLD:
            return "hold: there is nothing to trade"
        if state.risk is None or not state.risk.approved:
            return "risk did not approve: " + (state.risk.reasoning if state.risk else "no decision")
        return None

    def run(self, step: Step) -> Result:
        plan, risk = step.state.strategy, step.state.risk
        if plan is None or risk is None or not risk.approved:
            raise TapewatchError("nothing is sent without a strategy and an approval")
        autonomy = step.config.settings.autonomy
        if autonomy != "automatic":
            # Nobody can approve yet, and an order nobody approved is never sent.
            reason = f"autonomy is {autonomy}: no order is sent"
            return Result(self._not_sent(plan, risk, step, reason), f"No order: {reason}")
        broker = make_broker(self.settings.broker, step.services)
        intent = self._intent(plan, risk, step)
        self._write(intent, plan, broker, step)
        order = broker.find(intent.client_order_id) or broker.submit(intent)
        if order.state in _OPEN:
            order = self._await_fill(broker, order)
        done = _execution(order, plan, broker, step)
        return Result(done, _summary(done), events=(("trade_executed", _told(done)),) if done.filled_quantity else ())

    def _intent(self, plan: StrategySignal, risk: RiskDecision, step: Step) -> OrderPlan:
        entry, stop, first, second = plan.entry_price, plan.stop_loss, plan.target_1, plan.target_2
        if entry is None or stop is None or first is None or second is None:
            raise TapewatchError("the plan has no levels")
        side: Side = "buy" if plan.action is TradeSide.BUY else "sell"
        return OrderPlan(
            execution_id=step.execution_id,
            pipeline_id=step.pipeline_id,
            user_id=step.user_id,
            client_order_id=orders.client_order_id(step.execution_id, "entry"),
            symbol=step.state.symbol,
            side=side,
            quantity=risk.position_size,
            order_type=self.settings.order_type,
            entry_price=entry,
            stop=stop,
            lots=self._lots(step.state.symbol, risk.position_size, first, second),
            time_in_force=self.settings.time_in_force,
        )

    def _lots(self, symbol: str, quantity: Decimal, first: Decimal, second: Decimal) -> tuple[Lot, ...]:
        """Split the position between the targets; one lot where one of them would be empty."""
        part = quantity * decimal_of(self.settings.first_target_pct) / 100
        at_first = Instrument(symbol).round_quantity(part)
        at_second = quantity - at_first
        if at_first == 0:
            # A single share has a single target: the nearer one, unless none was wanted there.
            return (Lot(quantity, second if self.settings.first_target_pct == 0 else first),)
        return (Lot(at_first, first), Lot(at_second, second)) if at_second > 0 else (Lot(quantity, first),)

    def _write(self, intent: OrderPlan, plan: StrategySignal, broker: Broker, step: Step) -> None:
        at = to_datetime(step.services.clock.now_ms())
        trade_id = orders.trade_id_of(step.execution_id)
        trade = Trade(
            id=trade_id,
            execution_id=step.execution_id,
            pipeline_id=step.pipeline_id,
            user_id=step.user_id,
            account_id=None,
            account_type=broker.account_type,
            symbol=intent.symbol,
            action="BUY" if intent.side == "buy" else "SELL",
            quantity=intent.quantity,
            entry_price=plan.entry_price,
            stop_loss=plan.stop_loss,
            target_1=plan.target_1,
            target_2=plan.target_2,
        )
        entry = Order(
            id=orders.order_id_of(intent.client_order_id),
            client_order_id=intent.client_order_id,
            execution_id=step.execution_id,
            trade_id=trade_id,
            user_id=step.user_id,
            account_id=None,
            broker=broker.name,
            leg="entry",
            oco_group="",
            symbol=intent.symbol,
            side=intent.side,
            order_type=intent.order_type,
            quantity=intent.quantity,
            limit_price=intent.entry_price if intent.order_type == "limit" else None,
            time_in_force=intent.time_in_force,
            detail=lots_detail(intent.lots),
        )
        with step.services.engine.begin() as tx:
            orders.add_trade(tx, trade, at)
            orders.add_order(tx, entry, at)

    def _not_sent(self, plan: StrategySignal, risk: RiskDecision, step: Step, reason: str) -> TradeExecution:
        return TradeExecution(
            order_id="",
            broker=self.settings.broker,
            symbol=step.state.symbol,
            action=plan.action,
            quantity=risk.position_size,
            requested_price=plan.entry_price,
            status="not_sent",
            reason=reason,
            executed_at=to_datetime(step.services.clock.now_ms()),
        )

    def _await_fill(self, broker: Broker, order: Order) -> Order:
        """Wait for the fill as long as the settings allow, then cancel what is left."""
        never = threading.Event()
        for _ in range(max(1, round(self.settings.fill_timeout_seconds / broker.poll_s))):
            found = broker.find(order.client_order_id)
            if found is None or found.state not in _OPEN:
                return found or order
            never.wait(broker.poll_s)
        return broker.cancel(order.client_order_id) or order


def _execution(order: Order, plan: StrategySignal, broker: Broker, step: Step) -> TradeExecution:
    legs = broker.legs(order.trade_id) if order.trade_id else [order]
    with step.services.engine.connect() as tx:
        trade = orders.trade(tx, order.trade_id) if order.trade_id else None
    return TradeExecution(
        order_id=order.client_order_id,
        broker_order_id=order.broker_order_id or None,
        broker=broker.name,
        account=broker.account_type,
        symbol=order.symbol,
        action=plan.action,
        quantity=order.quantity,
        requested_price=plan.entry_price,
        filled_price=order.filled_price,
        filled_quantity=order.filled_quantity,
        slippage=(trade.slippage if trade and trade.slippage is not None else Decimal(0)),
        commission=trade.commission if trade else Decimal(0),
        status=_status(order),
        reason=order.error or ("not filled in time" if order.state == "cancelled" else ""),
        legs=tuple(_leg(leg) for leg in legs),
        executed_at=to_datetime(step.services.clock.now_ms()),
    )


def _leg(order: Order) -> OrderLeg:
    return OrderLeg(
        leg=order.leg,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id or None,
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        filled_price=order.filled_price,
        filled_quantity=order.filled_quantity,
        status=order.state,
    )


def _status(order: Order) -> Literal["accepted", "partially_filled", "filled", "rejected", "cancelled"]:
    """Return the word for the report: what was cancelled after a part of it had filled is part-filled."""
    if order.state in ("cancelled", "expired") and order.filled_quantity > 0:
        return "partially_filled"
    return _STATUS.get(order.state, "accepted")


def _summary(done: TradeExecution) -> str:
    verb = "Bought" if done.action is TradeSide.BUY else "Sold"
    if done.status == "filled" and done.filled_price is not None:
        return f"{verb} {plain(done.filled_quantity)} at {price_words(done.filled_price)} ({done.account})"
    return f"Order {done.status}" + (f": {done.reason}" if done.reason else "")


def _told(done: TradeExecution) -> dict[str, object]:
    return {
        "trade": {
            "symbol": done.symbol,
            "action": done.action.value.upper(),
            "quantity": str(done.filled_quantity),
            "price": price_words(done.filled_price),
            "account": done.account,
        }
    }
