"""Compile the kernels and keep them: `python -m engine.warm`, so that no process compiles when it starts."""

from __future__ import annotations

import numpy as np

from engine.candles import HistoryColumns
from engine.compiling import prepare
from engine.condition import TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.grammar import parse_trigger
from engine.indicators.column import columns_of
from engine.indicators.registry import INDICATORS
from engine.replay import play
from engine.trades import ALL_FLAGS, Trades

_SYMBOL = "WARM:UP"
_MINUTE_MS = 60_000
_BEGIN_MS = 1_700_000_040_000
_MINUTES = 60


def warm() -> int:
    """Run every kernel once, live and offline, over a tape of its own; return how many candles closed."""
    live, offline = Engine(EngineConfig()), Engine(EngineConfig(is_offline=True))
    for engine in (live, offline):
        engine.watch([(column, "1m") for column in _columns()])
        engine.apply([TriggerChange("set", spec.trigger_id, spec) for spec in _specs()], at_ms=_BEGIN_MS)
    live.on_history(_SYMBOL, "regular", "1m", "warm-up", _history())
    trades = _trades(live.symbol_id(_SYMBOL))
    closed = len(live.on_trades(trades).candles)
    closed += len(live.on_mark(_BEGIN_MS + 2 * _MINUTES * _MINUTE_MS, recv_ms=0, health="live").candles)
    Engine.restore(live.snapshot(), EngineConfig()).market()
    offline.symbol_id(_SYMBOL)
    return closed + sum(len(output.candles) for output in play(offline, trades))


def _columns() -> list[str]:
    names = [d.name if d.defaults is not None else f"{d.name}_20" for d in INDICATORS.values()]
    return [column for name in names for column in columns_of(name)]


def _specs() -> list[TriggerSpec]:
    leaf = {"operand": "price", "operator": ">", "value": 100}
    configs: list[dict[str, object]] = [
        {**leaf, "hold": {"seconds": 5}},
        {**leaf, "operator": "crosses_above", "hysteresis": 0.5, "fire": "every_edge"},
        {"any": [leaf, {"not": {"indicator": "RSI", "operator": "<", "value": 30}}], "evaluate": "candle_close"},
        {"all": [{"operand": "close", "operator": "rises_by_pct", "value": 1, "candles": 2}, leaf]},
        {"all": [{"operand": "price", "operator": "inside", "value": [1, "SMA_20"]}, leaf], "hold": {"trades": 2}},
    ]
    return [
        parse_trigger(
            "technical_trigger" if {"all", "any"} & set(config) else "price_trigger",
            config,
            pipeline_id="warm",
            node_id=f"node-{number}",
            version=1,
            symbols=(_SYMBOL,),
            primary_timeframe="1m",
        )
        for number, config in enumerate(configs)
    ]


def _prices(n: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 100.0 + np.sin(np.arange(n) / 3.0)


def _history() -> HistoryColumns:
    price = _prices(_MINUTES)
    starts = _BEGIN_MS - (_MINUTES - np.arange(_MINUTES)) * _MINUTE_MS
    ones = np.ones(_MINUTES)
    return HistoryColumns(starts, price, price + 1, price - 1, price, ones, price, np.ones(_MINUTES, np.int64))


def _trades(symbol: int) -> Trades:
    n = 4 * _MINUTES
    return Trades(
        symbol=np.full(n, symbol, np.int32),
        ts_ms=_BEGIN_MS + np.arange(n, dtype=np.int64) * (_MINUTE_MS // 4),
        recv_ms=np.zeros(n, np.int64),
        price=_prices(n),
        size=np.ones(n),
        flags=np.full(n, ALL_FLAGS, np.uint8),
        codes=np.zeros(n, np.uint64),
    )


if __name__ == "__main__":
    prepare(lambda sentence: print(f"      {sentence}", flush=True))  # noqa: T201
