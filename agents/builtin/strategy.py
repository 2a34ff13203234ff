"""The strategy agent: four analysts propose, code computes stop and targets and checks every number."""

from __future__ import annotations

from decimal import Decimal

from agents.agent import Agent, Result, Step
from agents.builtin.evidence import check_prose, market_evidence, values_of
from agents.builtin.levels import Levels, atr_stop, check_entry, level_stop, levels
from agents.crew import Role, run_crew
from agents.instrument import Instrument
from agents.llm.facts import FACTS, StrategyFacts
from agents.llm.provider import Provider
from agents.llm.views import EntryView, InvalidationView, PatternView, PlanView
from agents.prompt import load
from core.catalog.analysis import StrategySettings
from core.clock import to_datetime
from core.errors import BadModelOutput, TapewatchError
from core.numbers import decimal_of, price_words
from core.pipeline.state import BiasSignal, BiasType, MarketData, StrategySignal, TradeSide

_AGAINST = {TradeSide.BUY: BiasType.BEARISH, TradeSide.SELL: BiasType.BULLISH}


class StrategyAgent(Agent[StrategySettings]):
    agent_type = "strategy_agent"

    def run(self, step: Step) -> Result:
        market, bias = step.state.market_data, step.state.bias
        if market is None or bias is None:
            raise TapewatchError("the strategy step needs market data and a bias")
        timeframe = self.settings.timeframe
        if timeframe not in market.timeframes:
            raise TapewatchError(f"no candles of {timeframe} to plan by")
        provider = step.services.providers.choose(self.settings.model)
        FACTS.set(StrategyFacts(market, bias, timeframe))
        view, placed = self._ask(provider, market, bias)
        signal = self._signal(view, placed, provider, step)
        return Result(signal, _summary(signal))

    def _ask(self, provider: Provider, market: MarketData, bias: BiasSignal) -> tuple[PlanView, Levels | None]:
        """Ask the crew; a plan that breaks a rule is sent back once to the one who answers for it."""
        roles = (
            Role(load("strategy/pattern_analyst"), PatternView),
            Role(load("strategy/entry_analyst"), EntryView),
            Role(load("strategy/risk_analyst"), InvalidationView),
            Role(load("strategy/target_analyst"), PlanView),
        )
        evidence = market_evidence(
            market,
            [self.settings.timeframe],
            bias={"bias": bias.bias.value, "confidence": bias.confidence, "reasoning": bias.reasoning},
            stop_method=self.settings.stop,
        )
        temperature = self.settings.creativity
        try:
            answer = run_crew(roles, evidence, provider, temperature=temperature)[-1]
            return self._verified(answer, market, bias)
        except BadModelOutput as refused:
            again = run_crew(roles[-1:], evidence, provider, temperature=temperature, feedback=str(refused))
            return self._verified(again[-1], market, bias)

    def _verified(self, view: object, market: MarketData, bias: BiasSignal) -> tuple[PlanView, Levels | None]:
        """Return the plan and its levels, or raise `BadModelOutput` with what is wrong."""
        if not isinstance(view, PlanView):
            raise BadModelOutput("the crew's last answer is no plan")
        if not 0 <= view.conviction <= 100:
            raise BadModelOutput(f"conviction is {view.conviction}; it goes from 0 to 100")
        known = list(values_of(market, market.timeframes))
        if view.action is TradeSide.HOLD:
            check_prose((view.reasoning, *view.technical_factors), known, market.current_price)
            return view, None
        if bias.bias is _AGAINST[view.action]:
            raise BadModelOutput(
                f"a {view.action.value} fights the {bias.bias.value} bias; choose hold or the other side"
            )
        if view.entry_price is None:
            raise BadModelOutput(f"a {view.action.value} needs entry_price")
        placed = self._place(view.action, decimal_of(view.entry_price), view.invalidation_level, market)
        derived = [float(v) for v in (placed.entry, placed.stop, placed.target_1, placed.target_2)]
        texts = (view.reasoning, *view.technical_factors)
        check_prose(texts, [*known, *derived, view.entry_price], market.current_price)
        return view, placed

    def _place(self, side: TradeSide, entry: Decimal, level: float | None, market: MarketData) -> Levels:
        data = market.timeframes[self.settings.timeframe]
        atr_value = data.indicators.get("ATR_14")
        if atr_value is None or atr_value <= 0:
            raise TapewatchError(f"ATR_14 of {self.settings.timeframe} is not known yet: no stop can be computed")
        atr = decimal_of(atr_value)
        check_entry(entry, price=market.current_price, atr=atr)
        if self.settings.stop == "level" and level is not None:
            seen = {price for candle in (*data.candles, data.ohlcv) for price in (candle.low, candle.high)}
            exact = decimal_of(level)
            if exact not in seen:
                raise BadModelOutput(f"invalidation_level {level} is no low or high of a candle in the evidence")
            stop = level_stop(side, entry, exact, atr)
        else:
            stop = atr_stop(side, entry, atr, decimal_of(self.settings.atr_multiple))
        least = decimal_of(self.settings.risk_reward_min)
        return levels(side, entry, stop, risk_reward_min=least, instrument=Instrument(market.symbol))

    def _signal(self, view: PlanView, placed: Levels | None, provider: Provider, step: Step) -> StrategySignal:
        return StrategySignal(
            action=view.action,
            conviction=view.conviction,
            timeframe=self.settings.timeframe,
            entry_price=placed.entry if placed else None,
            stop_loss=placed.stop if placed else None,
            target_1=placed.target_1 if placed else None,
            target_2=placed.target_2 if placed else None,
            risk_reward_ratio=float(placed.risk_reward) if placed else None,
            reasoning=view.reasoning,
            technical_factors=tuple(view.technical_factors),
            provider=provider.label,
            decided_at=to_datetime(step.services.clock.now_ms()),
        )


def _summary(signal: StrategySignal) -> str:
    if signal.action is TradeSide.HOLD:
        return f"Hold ({signal.conviction:.0f}% conviction)"
    return (
        f"{signal.action.value.capitalize()} at {price_words(signal.entry_price)}, "
        f"stop {price_words(signal.stop_loss)}, targets {price_words(signal.target_1)} and "
        f"{price_words(signal.target_2)}"
    )
