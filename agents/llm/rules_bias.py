"""Rules of the bias crew: trend from averages, momentum and RSI of each timeframe; mood from volume and stretch."""

from __future__ import annotations

from itertools import pairwise

from agents.llm.facts import BiasFacts
from agents.llm.views import BiasView, SentimentView, TrendView
from core.pipeline.state import BiasType, TimeframeData
from engine.condition import TIMEFRAMES, Timeframe

_WEIGHT: dict[Timeframe, float] = {tf: 1.0 + 0.5 * i for i, tf in enumerate(TIMEFRAMES)}
_CLEAR = 0.2
"""A score nearer to nothing than this is no direction."""


def trend(facts: BiasFacts) -> TrendView:
    scores = _scores(facts)
    total = _total(scores)
    observations = [f"{tf}: {_word(score).value} ({_why(facts.market.timeframes[tf])})" for tf, score in scores]
    return TrendView(trend=_word(total), strength=round(abs(total) * 100, 1), observations=observations)


def sentiment(facts: BiasFacts) -> SentimentView:
    tf, data = _first(facts)
    closes = [float(c.close) for c in data.candles[-20:]]
    rising = sum(b > a for a, b in pairwise(closes))
    falling = sum(b < a for a, b in pairwise(closes))
    rsi = data.indicators.get("RSI_14")
    is_stretched = rsi is not None and not 25 <= rsi <= 75
    control = "buyers" if rising > falling * 1.2 else "sellers" if falling > rising * 1.2 else "nobody"
    told = [f"{tf}: {rising} of the last {max(0, len(closes) - 1)} candles rose, {falling} fell"]
    if rsi is not None:
        told.append(f"{tf}: RSI_14 at {rsi:.1f}" + (", stretched" if is_stretched else ""))
    return SentimentView(control=control, is_stretched=is_stretched, observations=told)


def bias(facts: BiasFacts) -> BiasView:
    scores = _scores(facts)
    total = _total(scores)
    mood = sentiment(facts)
    direction = _word(total)
    backed = {BiasType.BULLISH: "buyers", BiasType.BEARISH: "sellers"}.get(direction) == mood.control
    confidence = 50 + 45 * abs(total) + (5 if backed else -5) - (15 if mood.is_stretched else 0)
    if direction is BiasType.NEUTRAL:
        confidence = 50.0
    agreeing = [tf for tf, score in scores if _word(score) is direction]
    reasoning = (
        f"{len(agreeing)} of {len(scores)} timeframes are {direction.value}"
        + (f" ({', '.join(agreeing)})" if agreeing else "")
        + f"; {mood.control} are in control of {_first(facts)[0]}."
        + (" The move is stretched, which lowers the confidence." if mood.is_stretched else "")
    )
    return BiasView(
        bias=direction,
        confidence=round(min(95.0, max(5.0, confidence)), 1),
        reasoning=reasoning,
        factors=[*trend(facts).observations, *mood.observations],
    )


def _scores(facts: BiasFacts) -> list[tuple[Timeframe, float]]:
    """Return the score of each timeframe there is data of, from -1 (down) to 1 (up)."""
    known = facts.market.timeframes
    return [(tf, _score(known[tf])) for tf in facts.timeframes if tf in known]


def _score(data: TimeframeData) -> float:
    votes: list[float] = []
    close = float(data.candles[-1].close if data.candles else data.ohlcv.close)
    votes += [_sign(close - value) for _, value in _averages(data)]
    rsi = data.indicators.get("RSI_14")
    if rsi is not None:
        votes.append(max(-1.0, min(1.0, (rsi - 50) / 15)))
    histogram = next((v for k, v in data.indicators.items() if k.startswith("MACD") and k.endswith(".histogram")), None)
    if histogram is not None:
        votes.append(_sign(histogram))
    if not votes and len(data.candles) > 1:
        votes.append(_sign(close - float(data.candles[0].close)))
    return sum(votes) / len(votes) if votes else 0.0


def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0 if value < 0 else 0.0


def _total(scores: list[tuple[Timeframe, float]]) -> float:
    weight = sum(_WEIGHT[tf] for tf, _ in scores)
    return sum(_WEIGHT[tf] * score for tf, score in scores) / weight if weight else 0.0


def _word(score: float) -> BiasType:
    if score > _CLEAR:
        return BiasType.BULLISH
    return BiasType.BEARISH if score < -_CLEAR else BiasType.NEUTRAL


def _averages(data: TimeframeData) -> list[tuple[str, float]]:
    return [(name, value) for name, value in sorted(data.indicators.items()) if name.startswith(("SMA_", "EMA_"))]


def _why(data: TimeframeData) -> str:
    close = float(data.candles[-1].close if data.candles else data.ohlcv.close)
    said = [f"close {'above' if close > value else 'below'} {name}" for name, value in _averages(data)]
    rsi = data.indicators.get("RSI_14")
    if rsi is not None:
        said.append(f"RSI_14 {rsi:.1f}")
    return ", ".join(said) or "no indicator yet"


def _first(facts: BiasFacts) -> tuple[Timeframe, TimeframeData]:
    known = facts.market.timeframes
    for tf in facts.timeframes:
        if tf in known:
            return tf, known[tf]
    return next(iter(known.items()))
