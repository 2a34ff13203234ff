"""What a crew is shown, and whether what it says stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from core.errors import BadModelOutput
from core.pipeline.state import MarketData, Ohlcv
from engine.condition import Timeframe

_SHOWN_CANDLES = 20
_NUMBER = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\w%]|\s*%|:\d)")


def market_evidence(market: MarketData, timeframes: Sequence[Timeframe], **more: object) -> str:
    """Return the JSON a crew reads: numbers, no prose but what `more` brings."""
    shown = {
        tf: {
            "forming_or_last": _row(data.ohlcv),
            "indicators": {name: float(f"{value:.8g}") for name, value in data.indicators.items()},
            "closed_candles": [_row(candle) for candle in data.candles[-_SHOWN_CANDLES:]],
        }
        for tf in timeframes
        if (data := market.timeframes.get(tf)) is not None
    }
    record = {
        "symbol": market.symbol,
        "current_price": float(market.current_price),
        "observed_at": market.observed_at.isoformat(),
        "feed_health": market.feed_health,
        "timeframes": shown,
        **more,
    }
    return msgspec.json.encode(record).decode()


def headlines_of(market: MarketData) -> list[dict[str, str]]:
    """Return the headlines as a crew is shown them: foreign text, each in its own field."""
    return [
        {"at": h.published_at.strftime("%Y-%m-%dT%H:%MZ"), "source": h.source, "text": h.text} for h in market.headlines
    ]


def values_of(market: MarketData, timeframes: Iterable[Timeframe]) -> Iterator[float]:
    """Yield every price and indicator value that stands in the evidence of these timeframes."""
    yield float(market.current_price)
    for tf in timeframes:
        data = market.timeframes.get(tf)
        if data is None:
            continue
        yield from data.indicators.values()
        for candle in (*data.candles, data.ohlcv):
            yield from (float(v) for v in (candle.open, candle.high, candle.low, candle.close, candle.vwap or 0))


def check_prose(texts: Iterable[str], known: Iterable[float], price: Decimal) -> None:
    """Refuse prose that names a price which stands nowhere in the evidence.

    Only numbers that could be a price are looked at (within 30 % of the market): periods, percentages and counts
    pass. A number may be rounded as it is written: 64,012 stands for 64011.7.

    Raises:
        BadModelOutput: names the number.
    """
    values = sorted(known)
    market = float(price)
    for text in texts:
        for found in _NUMBER.findall(text):
            digits = str(found).replace(",", "")
            number = float(digits)
            if not 0.7 * market <= number <= 1.3 * market or _is_a_count(digits, market):
                continue
            decimals = len(digits.partition(".")[2])
            slack = 0.5 * 10**-decimals + 1e-9 * market
            if not any(abs(value - number) <= slack for value in values):
                raise BadModelOutput(f"{found} stands nowhere in the evidence; use only numbers that do")


def _is_a_count(digits: str, market: float) -> bool:
    """Return whether a whole number near a low price may as well be a period, such as the 50 of SMA 50."""
    return "." not in digits and market < 300


def _row(candle: Ohlcv) -> dict[str, object]:
    return {
        "at": candle.started_at.strftime("%Y-%m-%dT%H:%MZ"),
        "o": float(candle.open),
        "h": float(candle.high),
        "l": float(candle.low),
        "c": float(candle.close),
        "v": float(candle.volume),
    }
