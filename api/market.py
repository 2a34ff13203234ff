"""The market as the flow sees it: symbols, candles with indicators, snapshots."""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Query

from api.context import Context, Ctx
from api.indicators import parse_indicators, values
from api.session import User
from api.types import Model
from core.errors import Unavailable
from core.store import redis as redis_store
from core.store.clickhouse import candles as history
from engine.condition import Session, Timeframe

router = APIRouter(prefix="/market", tags=["market"])

_MOST_WARM_UP = 1000
_MOST_SYMBOLS = 100

SymbolName = Annotated[str, Query(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9:._\-/]+$")]


class Candle(Model):
    ts_ms: int
    """Start."""
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float | None
    trades: int
    is_partial: bool = False
    """The subscription began within it."""
    source: str = ""
    """Where a closed candle comes from: stream, backfill, or the name of an imported history."""


class MarketSymbol(Model):
    symbol: str
    price: float | None
    ts_ms: int
    """Of the last trade."""
    feed: str
    health: str


class MarketSnapshot(Model):
    """A symbol now: forming candles by timeframe, and the values that triggers watch (`RSI_14@5m`)."""

    symbol: str
    ts_ms: int
    price: float | None
    feed: str
    health: str
    candles: dict[str, Candle]
    values: dict[str, float | None]


class SymbolList(Model):
    items: list[MarketSymbol]


class SnapshotList(Model):
    items: list[MarketSnapshot]


class CandleSeries(Model):
    symbol: str
    timeframe: Timeframe
    session: Session
    feed: str = ""
    """Whose prices the closed candles are; empty where there is none."""
    candles: list[Candle]
    """Closed ones, oldest first."""
    forming: Candle | None
    indicators: dict[str, list[float | None]]
    """By column (`SMA_20`, `MACD_12_26_9.line`), one value a closed candle; null while warming up."""


@router.get("/symbols")
def list_symbols(_user: User, ctx: Ctx) -> SymbolList:
    """Return the symbols that are watched now, with their last price."""
    found = redis_store.snapshots(ctx.redis, redis_store.symbols(ctx.redis))
    return SymbolList(
        items=[MarketSymbol(symbol=s.symbol, price=s.price, ts_ms=s.ts_ms, feed=s.feed, health=s.health) for s in found]
    )


@router.get("/candles")
def list_candles(
    _user: User,
    ctx: Ctx,
    symbol: SymbolName,
    timeframe: Timeframe = "5m",
    session: Session = "regular",
    limit: Annotated[int, Query(ge=1, le=2000)] = 300,
    before_ms: Annotated[int | None, Query(ge=0, description="Candles that start before this.")] = None,
    indicators: Annotated[str, Query(max_length=400, description="Comma-separated: SMA_20,RSI_14,MACD.line")] = "",
    feed: Annotated[str, Query(max_length=60, description="Empty: the one with the newest candle.")] = "",
) -> CandleSeries:
    """Return candles of a symbol, of one feed, with indicator values."""
    wanted = parse_indicators(indicators, timeframe)
    # Enough before the first candle shown that its indicator values stand.
    warm_up = max((column.definition.stable(column.params) for column in wanted.values()), default=0)
    stored = history.latest(
        ctx.clickhouse,
        symbol,
        timeframe,
        session=session,
        limit=limit + min(warm_up, _MOST_WARM_UP),
        before_ms=history.FAR_FUTURE_MS if before_ms is None else before_ms,
        feed=feed,
    )
    shown = stored[-limit:]
    return CandleSeries(
        symbol=symbol,
        timeframe=timeframe,
        session=session,
        feed=shown[-1].feed if shown else "",
        candles=[_candle(candle) for candle in shown],
        forming=_forming(ctx, symbol, timeframe, shown) if before_ms is None else None,
        indicators={name: values(column, stored)[-len(shown) :] if shown else [] for name, column in wanted.items()},
    )


@router.get("/snapshot")
def list_snapshots(
    _user: User, ctx: Ctx, symbols: Annotated[str, Query(max_length=2000, description="Comma-separated.")]
) -> SnapshotList:
    """Return the snapshots of symbols; one that is not watched is left out."""
    wanted = [symbol for symbol in symbols.split(",") if symbol][:_MOST_SYMBOLS]
    return SnapshotList(items=[_snapshot(found) for found in redis_store.snapshots(ctx.redis, wanted)])


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _candle(stored: history.StoredCandle) -> Candle:
    return Candle(
        ts_ms=stored.ts_ms,
        end_ms=stored.end_ms,
        open=stored.open,
        high=stored.high,
        low=stored.low,
        close=stored.close,
        volume=stored.volume,
        vwap=_known(stored.vwap),
        trades=stored.trades,
        is_partial=stored.partial,
        source=stored.source,
    )


def _forming(ctx: Context, symbol: str, timeframe: Timeframe, shown: list[history.StoredCandle]) -> Candle | None:
    """Return the candle that forms now; none where Redis is away or it is among the closed ones already."""
    try:
        found = redis_store.snapshots(ctx.redis, [symbol])
    except Unavailable:
        return None
    candle = found[0].candles.get(timeframe) if found else None
    if candle is None or (shown and candle.ts_ms <= shown[-1].ts_ms):
        return None
    return Candle.model_validate(candle, from_attributes=True)


def _snapshot(found: redis_store.Snapshot) -> MarketSnapshot:
    return MarketSnapshot(
        symbol=found.symbol,
        ts_ms=found.ts_ms,
        price=found.price,
        feed=found.feed,
        health=found.health,
        candles={
            timeframe: Candle.model_validate(candle, from_attributes=True)
            for timeframe, candle in found.candles.items()
        },
        values=found.values,
    )
