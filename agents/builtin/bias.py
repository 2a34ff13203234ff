"""The bias agent: three analysts agree whether the market leans up, down or neither."""

from __future__ import annotations

from agents.agent import Agent, Result, Step
from agents.builtin.evidence import check_prose, headlines_of, market_evidence, values_of
from agents.crew import Role, run_crew
from agents.llm.facts import FACTS, BiasFacts
from agents.llm.provider import Provider
from agents.llm.views import BiasView, SentimentView, TrendView
from agents.prompt import load
from core.catalog.analysis import BiasSettings
from core.clock import to_datetime
from core.errors import BadModelOutput, TapewatchError
from core.pipeline.state import BiasSignal, BiasType, MarketData
from engine.condition import Timeframe


class BiasAgent(Agent[BiasSettings]):
    agent_type = "bias_agent"

    def run(self, step: Step) -> Result:
        market = step.state.market_data
        if market is None:
            raise TapewatchError("no market data came before the bias step")
        wanted = self.settings.required_timeframes()
        timeframes: tuple[Timeframe, ...] = tuple(tf for tf in wanted if market.timeframes.get(tf) is not None)
        if not timeframes:
            raise TapewatchError(f"no candles of {', '.join(self.settings.analysis_timeframes)} to judge by")
        provider = step.services.providers.choose(self.settings.model)
        FACTS.set(BiasFacts(market, timeframes))
        evidence = market_evidence(market, timeframes, headlines=headlines_of(market))
        view = self._ask(provider, evidence, market)
        signal = self._signal(view, provider, step)
        return Result(signal, f"Bias: {signal.bias.value.capitalize()} ({signal.confidence:.0f}% confidence)")

    def _ask(self, provider: Provider, evidence: str, market: MarketData) -> BiasView:
        """Ask the crew; an answer that breaks a rule is sent back once to the one who signs."""
        roles = (
            Role(load("bias/market_analyst"), TrendView),
            Role(load("bias/sentiment_analyst"), SentimentView),
            Role(load("bias/synthesizer"), BiasView),
        )
        temperature = self.settings.creativity
        try:
            return self._verified(run_crew(roles, evidence, provider, temperature=temperature)[-1], market)
        except BadModelOutput as refused:
            again = run_crew(roles[-1:], evidence, provider, temperature=temperature, feedback=str(refused))
            return self._verified(again[-1], market)

    def _verified(self, view: object, market: MarketData) -> BiasView:
        if not isinstance(view, BiasView):
            raise BadModelOutput("the crew's last answer is no bias")
        if not 0 <= view.confidence <= 100:
            raise BadModelOutput(f"confidence is {view.confidence}; it goes from 0 to 100")
        check_prose((view.reasoning, *view.factors), values_of(market, market.timeframes), market.current_price)
        return view

    def _signal(self, view: BiasView, provider: Provider, step: Step) -> BiasSignal:
        bias, reasoning = view.bias, view.reasoning
        if bias is not BiasType.NEUTRAL and view.confidence < self.settings.confidence_threshold:
            reasoning += (
                f" Taken as neutral: {view.confidence:.0f} % is less than the threshold of "
                f"{self.settings.confidence_threshold:.0f} %."
            )
            bias = BiasType.NEUTRAL
        return BiasSignal(
            bias=bias,
            confidence=view.confidence,
            reasoning=reasoning,
            factors=tuple(view.factors),
            provider=provider.label,
            decided_at=to_datetime(step.services.clock.now_ms()),
        )
