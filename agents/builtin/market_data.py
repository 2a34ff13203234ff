"""The market data agent: price, candles and indicators of every timeframe that later steps read, as of now.

From our own stores only: closed candles and headlines of ClickHouse, the forming candles and the price of Redis.
Nothing after the moment of asking is ever in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from agents.agent import Agent, Result, Services, Step
from agents.builtin.indicator_columns import columns_of
from core.catalog.analysis import MarketDataSettings
from core.clock import to_datetime
from core.errors import Unavailable
from core.numbers import decimal_of
from core.pipeline import PipelineConfig, trigger_node
from core.pipeline.state import Headline, MarketData, Ohlcv, TimeframeData
from core.store import redis as live
from core.store.clickhouse import candles as history
from core.store.clickhouse import news
from core.store.clickhouse.candles import StoredCandle
from core.store.redis import FormingCandle, Snapshot
from engine.condition import TIMEFRAMES, Session, Timeframe
from engine.indicators.series import closed_values, series_of

_HOUR_MS = 3_600_000
_WARM_CANDLES = 300
"""Fetched at least, so that computed indicators no longer show where they began."""
_ALWAYS = ("ATR", "RSI")
"""What stops and the rules need, listed or not."""


class MarketDataAgent(Agent[MarketDataSettings]):
    agent_type = "market_data_agent"

    def run(self, step: Step) -> Result:
        services, symbol = step.services, step.state.symbol
        snapshot = _snapshot(services, symbol)
        as_of_ms = max(step.firing.decided_ms, snapshot.ts_ms if snapshot else 0)
        session = _session(step.config)
        wanted = sorted(set(self.settings.timeframes), key=TIMEFRAMES.index)
        frames: dict[Timeframe, TimeframeData] = {}
        for timeframe in wanted:
            closed = self._closed(services, symbol, timeframe, session=session, as_of_ms=as_of_ms)
            forming = snapshot.candles.get(timeframe) if snapshot else None
            data = self._timeframe(timeframe, closed, forming)
            if data is not None:
                frames[timeframe] = data
        if not frames:
            raise Unavailable(f"no candles of {symbol} yet")
        price = decimal_of(snapshot.price) if snapshot and snapshot.price else frames[wanted_first(frames)].ohlcv.close
        market = MarketData(
            symbol=symbol,
            current_price=price,
            volume=_longest(frames).ohlcv.volume,
            timeframes=frames,
            feed=snapshot.feed if snapshot else "",
            feed_health=snapshot.health if snapshot else "",
            headlines=self._headlines(services, symbol, as_of_ms=as_of_ms),
            observed_at=to_datetime(as_of_ms),
        )
        missing = [tf for tf in wanted if tf not in frames]
        summary = f"{symbol} at {price:f}, {len(frames)} timeframes"
        if missing:
            summary += f"; no candles yet of {', '.join(missing)}"
        asked = len(wanted) + bool(self.settings.headlines)
        return Result(market, summary, api_calls={"clickhouse": asked, "redis": 1})

    def _closed(
        self, services: Services, symbol: str, timeframe: Timeframe, *, session: Session, as_of_ms: int
    ) -> list[StoredCandle]:
        found = history.latest(
            services.clickhouse,
            symbol,
            timeframe,
            session=session,
            limit=max(_WARM_CANDLES, self.settings.candles),
            before_ms=as_of_ms,
        )
        return [candle for candle in found if candle.end_ms <= as_of_ms]

    def _headlines(self, services: Services, symbol: str, *, as_of_ms: int) -> tuple[Headline, ...]:
        if not self.settings.headlines:
            return ()
        found = news.latest(
            services.clickhouse,
            symbol,
            after_ms=as_of_ms - self.settings.headlines_hours * _HOUR_MS,
            until_ms=as_of_ms,
            limit=self.settings.headlines,
        )
        return tuple(
            Headline(
                text=" ".join(h.headline.split())[:200],
                source=" ".join(h.source.split())[:50],
                published_at=to_datetime(h.published_ms),
            )
            for h in found
        )

    def _timeframe(
        self, timeframe: Timeframe, closed: Sequence[StoredCandle], forming: FormingCandle | None
    ) -> TimeframeData | None:
        shown = tuple(_candle(c) for c in closed[-self.settings.candles :])
        latest = _forming(forming) if forming else (shown[-1] if shown else None)
        if latest is None:
            return None
        indicators = indicator_values((*self.settings.indicators, *_ALWAYS), closed)
        return TimeframeData(timeframe=timeframe, ohlcv=latest, indicators=indicators, candles=shown)


def indicator_values(names: Iterable[str], closed: Sequence[StoredCandle]) -> dict[str, float]:
    """Return the values at the last closed candle by canonical column; those still warming are left out.

    The value stored with the candle is the engine's own; what was not watched then is computed by its kernels.
    """
    if not closed:
        return {}
    stored = closed[-1].indicators
    series = series_of(closed)
    values: dict[str, float] = {}
    for name in names:
        for column_name, column in columns_of(name):
            value = stored.get(column_name, math.nan)
            if not math.isfinite(value):
                value = float(closed_values(column, series)[-1])
            if math.isfinite(value):
                values[column_name] = value
    return values


def wanted_first(frames: dict[Timeframe, TimeframeData]) -> Timeframe:
    """Return the shortest timeframe there is: its candle is the freshest."""
    return min(frames, key=TIMEFRAMES.index)


def _longest(frames: dict[Timeframe, TimeframeData]) -> TimeframeData:
    return frames[max(frames, key=TIMEFRAMES.index)]


def _snapshot(services: Services, symbol: str) -> Snapshot | None:
    """Return the live snapshot, None without one; an absent Redis is no reason to stop."""
    try:
        return next(iter(live.snapshots(services.redis, [symbol])), None)
    except Unavailable:
        return None


def _session(config: PipelineConfig) -> Session:
    """Return the session the trigger watches: later steps see the same candles."""
    return "extended" if trigger_node(config).config.get("session") == "extended" else "regular"


def _candle(candle: StoredCandle) -> Ohlcv:
    return Ohlcv(
        started_at=to_datetime(candle.ts_ms),
        open=decimal_of(candle.open),
        high=decimal_of(candle.high),
        low=decimal_of(candle.low),
        close=decimal_of(candle.close),
        volume=_volume(candle.volume),
        vwap=_vwap(candle.vwap),
        trades=candle.trades,
    )


def _forming(candle: FormingCandle) -> Ohlcv:
    return Ohlcv(
        started_at=to_datetime(candle.ts_ms),
        open=decimal_of(candle.open),
        high=decimal_of(candle.high),
        low=decimal_of(candle.low),
        close=decimal_of(candle.close),
        volume=_volume(candle.volume),
        vwap=_vwap(candle.vwap),
        trades=candle.trades,
        is_closed=False,
    )


def _volume(value: float) -> Decimal:
    return decimal_of(round(value, 8))


def _vwap(value: float | None) -> Decimal | None:
    return decimal_of(round(value, 8)) if value is not None and math.isfinite(value) and value > 0 else None
