"""The market as the flow sees it: symbols, candles with indicators, snapshots."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.context import Ctx
from api.session import User
from api.types import Model
from engine.condition import Session, Timeframe

router = APIRouter(prefix="/market", tags=["market"])

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
    candles: list[Candle]
    """Closed ones, oldest first."""
    forming: Candle | None
    indicators: dict[str, list[float | None]]
    """By column (`SMA_20`, `MACD_12_26_9.line`), one value a closed candle; null while warming up."""


@router.get("/symbols")
def list_symbols(_user: User, ctx: Ctx) -> SymbolList:
    """Return the symbols that are watched now, with their last price."""
    raise NotImplementedError


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
) -> CandleSeries:
    """Return candles of a symbol with indicator values."""
    raise NotImplementedError


@router.get("/snapshot")
def list_snapshots(
    _user: User, ctx: Ctx, symbols: Annotated[str, Query(max_length=2000, description="Comma-separated.")]
) -> SnapshotList:
    """Return the snapshots of symbols; one that is not watched is left out."""
    raise NotImplementedError
