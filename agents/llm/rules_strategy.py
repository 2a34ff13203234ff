"""Rules of the strategy crew: enter at the market with the bias, disproved beyond the last swing."""

from __future__ import annotations

from agents.llm.facts import StrategyFacts
from agents.llm.views import EntryView, InvalidationView, PatternView, PlanView
from core.pipeline.state import BiasType, Ohlcv, TradeSide

_SWING = 10
"""Candles in which the swing is looked for."""
_SIDE = {BiasType.BULLISH: TradeSide.BUY, BiasType.BEARISH: TradeSide.SELL, BiasType.NEUTRAL: TradeSide.HOLD}


def patterns(facts: StrategyFacts) -> PatternView:
    candles = _candles(facts)
    if len(candles) < 3:
        return PatternView(patterns=[], favours=TradeSide.HOLD)
    before, last = candles[-_SWING:-1], candles[-1]
    seen: list[str] = []
    favours = TradeSide.HOLD
    if last.close > max(c.high for c in before):
        seen.append(f"breakout above {max(c.high for c in before)}")
        favours = TradeSide.BUY
    elif last.close < min(c.low for c in before):
        seen.append(f"breakdown below {min(c.low for c in before)}")
        favours = TradeSide.SELL
    lows = [c.low for c in candles[-3:]]
    highs = [c.high for c in candles[-3:]]
    if lows[0] < lows[1] < lows[2]:
        seen.append("three rising lows")
        favours = TradeSide.BUY if favours is TradeSide.HOLD else favours
    if highs[0] > highs[1] > highs[2]:
        seen.append("three falling highs")
        favours = TradeSide.SELL if favours is TradeSide.HOLD else favours
    return PatternView(patterns=seen, favours=favours)


def entry(facts: StrategyFacts) -> EntryView:
    action = _SIDE[facts.bias.bias]
    if action is TradeSide.HOLD:
        return EntryView(action=action, entry_price=None, reasoning="The bias is neutral: there is no side to take.")
    price = float(facts.market.current_price)
    return EntryView(action=action, entry_price=price, reasoning=f"The bias is {facts.bias.bias.value}: at the market.")


def invalidation(facts: StrategyFacts) -> InvalidationView:
    action = _SIDE[facts.bias.bias]
    recent = _candles(facts)[-_SWING:]
    price = facts.market.current_price
    if action is TradeSide.BUY and (lows := [c.low for c in recent if c.low < price]):
        return InvalidationView(level=float(min(lows)), reasoning="Below the lowest low of the last candles.")
    if action is TradeSide.SELL and (highs := [c.high for c in recent if c.high > price]):
        return InvalidationView(level=float(max(highs)), reasoning="Above the highest high of the last candles.")
    return InvalidationView(level=None, reasoning="No swing stands beyond the price.")


def plan(facts: StrategyFacts) -> PlanView:
    entered, seen, wrong = entry(facts), patterns(facts), invalidation(facts)
    if entered.action is TradeSide.HOLD:
        return PlanView(
            action=TradeSide.HOLD,
            conviction=round(100 - facts.bias.confidence, 1),
            entry_price=None,
            invalidation_level=None,
            reasoning=f"Hold: {entered.reasoning}",
            technical_factors=seen.patterns,
        )
    conviction = facts.bias.confidence
    if seen.favours is not TradeSide.HOLD:
        conviction += 5 if seen.favours is entered.action else -10
    against = seen.favours not in (TradeSide.HOLD, entered.action)
    reasoning = f"{entered.action.value.capitalize()} with the {facts.bias.bias.value} bias, at the market."
    if against:
        reasoning += " The candles favour the other side, which lowers the conviction."
    return PlanView(
        action=entered.action,
        conviction=round(min(95.0, max(5.0, conviction)), 1),
        entry_price=entered.entry_price,
        invalidation_level=wrong.level,
        reasoning=reasoning,
        technical_factors=[*seen.patterns, wrong.reasoning],
    )


def _candles(facts: StrategyFacts) -> tuple[Ohlcv, ...]:
    data = facts.market.timeframes.get(facts.timeframe)
    return data.candles if data else ()
