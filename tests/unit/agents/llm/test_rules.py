from __future__ import annotations

from agents.llm.facts import BiasFacts, ReportFacts, StrategyFacts
from agents.llm.meter import METER, NoMeter
from agents.llm.rules import LABEL, RulesLLM, RulesProvider, answer
from agents.llm.views import BiasView, EntryView, InvalidationView, PatternView, PlanView, SummaryView, TrendView
from core.pipeline.state import BiasType, PipelineState, TradeSide
from tests.kit.market_facts import AT, bias, market

UP = BiasFacts(market(), ("5m", "15m", "1h"))
DOWN = BiasFacts(market(slope=-0.1), ("5m", "15m", "1h"))
FLAT = BiasFacts(market(slope=0.0), ("5m",))


def test_a_rising_market_is_bullish_and_a_falling_one_bearish() -> None:
    assert answer(BiasView, UP).bias is BiasType.BULLISH
    assert answer(BiasView, DOWN).bias is BiasType.BEARISH
    assert answer(TrendView, UP).strength > 50


def test_a_flat_market_has_no_side() -> None:
    assert answer(BiasView, FLAT).bias is BiasType.NEUTRAL


def test_the_same_facts_give_the_same_answer() -> None:
    assert all(answer(BiasView, UP) == answer(BiasView, UP) for _ in range(5))
    facts = StrategyFacts(market(), bias(), "5m")
    assert answer(PlanView, facts) == answer(PlanView, facts)


def test_the_plan_goes_with_the_bias_and_is_disproved_below_the_last_lows() -> None:
    facts = StrategyFacts(market(), bias(), "5m")
    plan = answer(PlanView, facts)
    assert plan.action is TradeSide.BUY
    assert plan.entry_price == 100.0
    level = answer(InvalidationView, facts).level
    assert level is not None
    assert level < 100
    assert answer(EntryView, facts).action is answer(PatternView, facts).favours


def test_a_neutral_bias_is_a_hold_without_prices() -> None:
    plan = answer(PlanView, StrategyFacts(market(), bias(BiasType.NEUTRAL), "5m"))
    assert (plan.action, plan.entry_price) == (TradeSide.HOLD, None)


def test_the_summary_says_why_nothing_was_traded() -> None:
    state = PipelineState(pipeline_id="p", execution_id="e", user_id="u", symbol="AAPL", started_at=AT, bias=bias())
    view = answer(SummaryView, ReportFacts(state))
    assert "nothing traded" in view.title
    assert "bullish" in view.summary


def test_the_provider_says_in_its_label_that_it_is_rules() -> None:
    METER.set(NoMeter())
    provider = RulesProvider()
    assert provider.label == LABEL
    assert isinstance(provider.crew_llm(0.7), RulesLLM)
