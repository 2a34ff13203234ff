"""Rules of the report: the state told in a few plain sentences."""

from __future__ import annotations

from agents.llm.facts import ReportFacts
from agents.llm.views import SummaryView
from core.numbers import plain, price_words
from core.pipeline.state import TradeSide


def summary(facts: ReportFacts) -> SummaryView:
    state = facts.state
    said: list[str] = []
    if state.trigger:
        said.append(f"{state.symbol}: {state.trigger.condition.rstrip('.')}.")
    if state.bias:
        said.append(f"The bias is {state.bias.bias.value} with {state.bias.confidence:.0f} % confidence.")
    title = f"{state.symbol}: nothing traded"
    plan = state.strategy
    if plan and plan.action is TradeSide.HOLD:
        said.append(f"No trade is proposed. {plan.reasoning}")
    elif plan:
        said.append(
            f"The plan is to {plan.action.value} at {price_words(plan.entry_price)}, "
            f"stop {price_words(plan.stop_loss)}, targets {price_words(plan.target_1)} and "
            f"{price_words(plan.target_2)}."
        )
    if state.risk and not state.risk.approved and plan and plan.action is not TradeSide.HOLD:
        said.append(f"Risk rejected it: {state.risk.reasoning}")
    if state.risk and state.risk.approved:
        said.append(
            f"Risk allowed {plain(state.risk.position_size)}, losing {state.risk.position_risk_amount:.2f} USD at most."
        )
    if state.trade and state.trade.status != "not_sent":
        trade = state.trade
        verb = "bought" if trade.action is TradeSide.BUY else "sold"
        title = f"{state.symbol}: {verb} {plain(trade.filled_quantity)}" if trade.filled_quantity else title
        at = f" at {price_words(trade.filled_price)}" if trade.filled_price else ""
        said.append(f"The {trade.account} order is {trade.status}: {plain(trade.filled_quantity)} {verb}{at}.")
    return SummaryView(title=title, summary=" ".join(said) or f"The pipeline ran for {state.symbol}.")
