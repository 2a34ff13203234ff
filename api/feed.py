"""The feed as the user sees it: each symbol's state with its reason, who waits for a slot, what the key may use."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from api.context import Context, Ctx
from api.session import User
from api.types import Model
from core.errors import Unavailable
from core.feed_words import feed_words, halts_words
from core.store import feed_status
from core.wire.trades import FeedHealth

router = APIRouter(prefix="/market", tags=["market"])

_SILENT = "nobody listens to the market now: ingest has said nothing for 10 s"
_NO_REDIS = "not known: Redis, where ingest reports, is away"


class SymbolFeed(Model):
    """A symbol that somebody watches. Times are feed time."""

    symbol: str
    state: FeedHealth
    since_ms: int
    last_trade_ms: int | None
    """Exchange time of the last trade heard; null while there was none."""
    trades_a_minute: float
    reason: str
    """What the state means for its triggers, and why it is so."""


class SlotWait(Model):
    """A symbol that is wished for and not listened to, in the order of the queue."""

    symbol: str
    reason: Literal["limit", "unknown_symbol"]
    since_ms: int
    sentence: str


class KeyCapability(Model):
    """Whether the key may use a feature of the feed; unknown: the feed has not answered yet."""

    feature: str
    state: Literal["allowed", "refused", "unknown"]
    asked_ms: int


class MarketFeed(Model):
    feed: str
    state: FeedHealth | Literal["unknown"]
    """Of the feed as a whole; unknown while ingest says nothing."""
    sentence: str
    at_ms: int | None
    """Feed time of what is said here."""
    symbol_limit: int
    """Symbols that the key allows; 0 while not known."""
    symbols: list[SymbolFeed]
    waiting: list[SlotWait]
    capabilities: list[KeyCapability]
    sees_halts: bool
    halts: str
    """Whether halts are seen, as a sentence."""


@router.get("/feed")
def get_feed(_user: User, ctx: Ctx) -> MarketFeed:
    """Say how the feed of every watched symbol is. Answers also while ingest or Redis is away."""
    return make_feed(ctx)


def make_feed(ctx: Context) -> MarketFeed:
    try:
        now = feed_status.status(ctx.redis)
        key = feed_status.capabilities(ctx.redis)
    except Unavailable:
        return _feed(None, None, silence=_NO_REDIS)
    return _feed(now, key, silence=_SILENT)


def _feed(now: feed_status.FeedStatus | None, key: feed_status.Capabilities | None, *, silence: str) -> MarketFeed:
    return MarketFeed(
        feed=now.feed if now else "",
        state=now.health if now else "unknown",
        sentence=_sentence(now) if now else silence,
        at_ms=now.at_ms if now else None,
        symbol_limit=now.limit if now else 0,
        symbols=[_symbol(name, one) for name, one in sorted(now.symbols.items())] if now else [],
        waiting=[
            SlotWait(symbol=one.symbol, reason=one.reason, since_ms=one.since_ms, sentence=one.detail)
            for one in now.waiting
        ] if now else [],
        capabilities=[
            KeyCapability(feature=one.feature, state=one.state, asked_ms=one.at_ms) for one in key.features
        ] if key else [],
        sees_halts=now is not None and not now.halts_not_seen,
        halts=halts_words(now.halts_not_seen if now else "ingest says nothing"),
    )  # fmt: skip


def _sentence(now: feed_status.FeedStatus) -> str:
    if now.health in ("live", "quiet", "closed"):
        return f"connected to {now.feed}"
    return f"{now.feed}: {now.detail or now.health}: triggers rest"


def _symbol(name: str, one: feed_status.SymbolFeed) -> SymbolFeed:
    return SymbolFeed(
        symbol=name,
        state=one.health,
        since_ms=one.since_ms,
        last_trade_ms=one.last_trade_ms or None,
        trades_a_minute=one.a_minute,
        reason=feed_words(one.health, one.detail),
    )
