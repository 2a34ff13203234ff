"""A tape written by hand: `Tape("BINANCE:BTCUSDT").trade("10:00:05", 99.0)`, and an engine that plays it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine.condition import TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.firing import ClosedCandle, Firing, Suppression
from engine.grammar import parse_trigger
from engine.output import Output
from engine.trades import ALL_FLAGS, Trades

SYMBOL = "BINANCE:BTCUSDT"
DAY = "2025-03-10"


def at(time: str, day: str = DAY) -> int:
    """Return epoch milliseconds of a UTC wall time like 10:00:05 or 10:00:05.250."""
    return round(datetime.fromisoformat(f"{day}T{time}+00:00").astimezone(UTC).timestamp() * 1000)


def trigger(
    config: dict[str, Any],
    *,
    agent_type: str = "price_trigger",
    symbols: tuple[str, ...] = (SYMBOL,),
    version: int = 1,
    timeframe: str = "1m",
    node_id: str = "node-1",
) -> TriggerSpec:
    return parse_trigger(
        agent_type,
        config,
        pipeline_id="p",
        node_id=node_id,
        version=version,
        symbols=symbols,
        primary_timeframe=timeframe,
    )


def price(operator: str, value: Any, **config: Any) -> dict[str, Any]:
    return {"operator": operator, "value": value, **config}


@dataclass
class Player:
    """An engine, what it gave so far, and short words to feed it."""

    engine: Engine
    firings: list[Firing] = field(default_factory=list[Firing])
    suppressions: list[Suppression] = field(default_factory=list[Suppression])
    candles: list[ClosedCandle] = field(default_factory=list[ClosedCandle])

    def _keep(self, output: Output) -> Output:
        self.firings += output.firings
        self.suppressions += output.suppressions
        self.candles += output.candles
        return output

    def set(self, spec: TriggerSpec, at_ms: int | None = None) -> Player:
        self._keep(self.engine.apply([TriggerChange("set", spec.trigger_id, spec)], at_ms=at_ms))
        return self

    def change(self, action: Any, trigger_id: str = "p/node-1", at_ms: int | None = None) -> Player:
        self._keep(self.engine.apply([TriggerChange(action, trigger_id)], at_ms=at_ms))
        return self

    def trade(
        self,
        time: str | int,
        price: float,
        size: float = 1.0,
        *,
        symbol: str = SYMBOL,
        flags: int = ALL_FLAGS,
        codes: int = 0,
        day: str = DAY,
    ) -> Output:
        ts_ms = time if isinstance(time, int) else at(time, day)
        return self._keep(self.engine.on_trades(trades(self.engine, [(symbol, ts_ms, price, size, flags, codes)])))

    def prints(self, *prints: tuple[str, float], symbol: str = SYMBOL, day: str = DAY) -> Player:
        for time, value in prints:
            self.trade(time, value, symbol=symbol, day=day)
        return self

    def mark(self, time: str | int, *, health: str = "live", day: str = DAY, **more: Any) -> Output:
        feed_ms = time if isinstance(time, int) else at(time, day)
        return self._keep(self.engine.on_mark(feed_ms, recv_ms=feed_ms, health=health, **more))

    def fired_at(self) -> list[str]:
        """Return the wall times of the firing trades."""
        return [clock(f.ts_ms) for f in self.firings]

    def decided_at(self) -> list[str]:
        return [clock(f.decided_ms) for f in self.firings]

    def reasons(self) -> list[tuple[str, str]]:
        return [(clock(s.firing.ts_ms), s.reason) for s in self.suppressions]

    def candle(self, timeframe: str, time: str, session: str = "regular", day: str = DAY) -> ClosedCandle:
        found = [c for c in self.candles if (c.timeframe, c.ts_ms, c.session) == (timeframe, at(time, day), session)]
        assert len(found) == 1, f"{timeframe} {time}: {found}"
        return found[0]


def clock(ts_ms: int) -> str:
    text = datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%H:%M:%S")
    return text if ts_ms % 1000 == 0 else f"{text}.{ts_ms % 1000:03d}"


def player(*specs: TriggerSpec, is_offline: bool = True, **config: Any) -> Player:
    made = Player(Engine(EngineConfig(is_offline=is_offline, **config)))
    for spec in specs:
        made.set(spec)
    return made


Row = tuple[str, int, float, float, int, int]


def trades(engine: Engine, rows: Iterable[Row]) -> Trades:
    """Make a batch of (symbol, ts_ms, price, size, flags, codes) in log order."""
    kept = list(rows)
    return Trades(
        symbol=np.array([engine.symbol_id(r[0]) for r in kept], np.int32),
        ts_ms=np.array([r[1] for r in kept], np.int64),
        recv_ms=np.array([r[1] + 5 for r in kept], np.int64),
        price=np.array([r[2] for r in kept], np.float64),
        size=np.array([r[3] for r in kept], np.float64),
        flags=np.array([r[4] for r in kept], np.uint8),
        codes=np.array([r[5] for r in kept], np.uint64),
    )
