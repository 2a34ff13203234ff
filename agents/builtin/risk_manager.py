"""The risk manager: sizes the trade by the limits, or rejects it. Computed, never asked of a model."""

from __future__ import annotations

from decimal import Decimal

from agents.agent import Agent, Result, Step
from agents.brokers.choice import broker_of
from agents.builtin.risk_rules import Proposal, Sizing, size
from core.catalog.trading import RiskManagerSettings
from core.clock import to_datetime
from core.errors import TapewatchError
from core.numbers import decimal_of, plain
from core.pipeline.state import RiskDecision, RuleVerdict, StrategySignal, TradeSide

_NOTHING = Decimal(0)


class RiskManagerAgent(Agent[RiskManagerSettings]):
    agent_type = "risk_manager_agent"

    def run(self, step: Step) -> Result:
        plan = step.state.strategy
        if plan is None:
            raise TapewatchError("the risk step needs a strategy")
        if plan.action is TradeSide.HOLD or plan.entry_price is None or plan.stop_loss is None:
            return self._result(_hold(step))
        account = broker_of(step).account(step.user_id)
        proposal = Proposal(
            symbol=step.state.symbol,
            side=plan.action,
            entry=plan.entry_price,
            stop=plan.stop_loss,
            risk_reward=_risk_reward(plan),
        )
        sizing = size(proposal, account, self.settings)
        return self._result(decide(proposal, sizing, account.equity_usd, step))

    @staticmethod
    def _result(decision: RiskDecision) -> Result:
        if not decision.approved:
            return Result(decision, f"Rejected: {decision.reasoning}")
        adjusted = f" ({decision.adjustments_made})" if decision.adjustments_made else ""
        return Result(decision, f"Approved {plain(decision.position_size)}{adjusted}")


def decide(proposal: Proposal, sizing: Sizing, equity_usd: Decimal, step: Step) -> RiskDecision:
    """Return the decision with every verdict, in words."""
    at = to_datetime(step.services.clock.now_ms())
    rejected = sizing.rejected_by
    if rejected is not None or sizing.size == 0:
        return RiskDecision(
            approved=False,
            position_size=_NOTHING,
            account_risk_pct=0,
            position_risk_amount=_NOTHING,
            reasoning=_told(rejected) if rejected else "no size is left under the limits",
            rules=sizing.verdicts,
            decided_at=at,
        )
    amount = sizing.size * proposal.risk_per_unit
    reduced = sizing.reduced_by
    adjustments = None
    if reduced is not None:
        adjustments = (
            f"reduced from {sizing.wanted:f} to {plain(sizing.size)} units by {reduced.rule} ({reduced.limit})"
        )
    return RiskDecision(
        approved=True,
        adjusted=reduced is not None,
        position_size=sizing.size,
        account_risk_pct=float(min(Decimal(100), amount / equity_usd * 100)),
        position_risk_amount=amount,
        adjustments_made=adjustments,
        reasoning=(
            f"{plain(sizing.size)} units lose {amount:.2f} USD at the stop; all {len(sizing.verdicts)} rules hold"
        ),
        rules=sizing.verdicts,
        decided_at=at,
    )


def _told(verdict: RuleVerdict) -> str:
    return f"{verdict.rule.replace('_', ' ')}: {verdict.found}, allowed {verdict.limit}"


def _risk_reward(plan: StrategySignal) -> Decimal:
    """Return the ratio by the plan's own levels, not by what it says."""
    if plan.target_1 is None or plan.entry_price is None or plan.risk_per_unit == 0:
        return decimal_of(plan.risk_reward_ratio or 0.0)
    return abs(plan.target_1 - plan.entry_price) / plan.risk_per_unit


def _hold(step: Step) -> RiskDecision:
    return RiskDecision(
        approved=False,
        position_size=_NOTHING,
        account_risk_pct=0,
        position_risk_amount=_NOTHING,
        reasoning="the strategy is to hold: there is nothing to size",
        decided_at=to_datetime(step.services.clock.now_ms()),
    )
