"""What the remarks on a trigger need to know of the feed: slots, and what its key may use."""

from __future__ import annotations

from collections.abc import Iterable

from api.context import Context
from core.errors import Unavailable
from core.store import feed_status
from engine.lint import FeedData

_COINS = ("BINANCE:", "COINBASE:", "KRAKEN:", "BITFINEX:", "OKX:")


def feed_data(ctx: Context, symbols: Iterable[str]) -> FeedData:
    """Return what is known of the feed now; where ingest or Redis is silent nothing is, and nothing is claimed."""
    try:
        now, key = feed_status.status(ctx.redis), feed_status.capabilities(ctx.redis)
    except Unavailable:
        return FeedData()
    refused = {one.feature for one in key.features if one.state == "refused"} if key else set[str]()
    return FeedData(
        has_news=not {"company_news", "news"} <= refused,
        slots=(now.limit or None) if now else None,
        waiting={one.symbol: one.detail for one in now.waiting} if now else {},
        no_history=_without_history(ctx, symbols, refused),
    )


def _without_history(ctx: Context, symbols: Iterable[str], refused: set[str]) -> dict[str, str]:
    """Return the symbols whose candles the feed's key may not have, where no broker's bars stand in (T22)."""
    has_broker = bool(ctx.settings.alpaca_data_key.get_secret_value())
    found: dict[str, str] = {}
    for symbol in symbols:
        feature = "crypto_candle" if symbol.startswith(_COINS) else "stock_candle" if ":" not in symbol else ""
        if feature in refused and not (feature == "stock_candle" and has_broker):
            found[symbol] = f"{feature} is not allowed to this key"
    return found
