"""A recorded day, replayed: byte-identical, its candles as polars computes them, its indicators as TA-Lib does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib

from cli.replay import replay
from tests.golden.recorded import recorded

TAPE = "trades/us_equities_20131008.parquet"
GRACE_MS = 2000
LENGTH_MS = {"1m": 60_000, "5m": 300_000}
PIPELINE = {
    "id": "golden",
    "name": "Golden",
    "symbols": ["SPY", "BAC", "AIG"],
    "primary_timeframe": "1m",
    "nodes": [
        {
            "id": "trigger",
            "agent_type": "technical_trigger",
            "config": {
                "session": "extended",
                "fire": "every_edge",
                "all": [
                    {"indicator": "RSI_14", "operator": ">", "value": 60},
                    {"indicator": "MACD", "signal": "bullish_crossover"},
                ],
            },
        },
        {
            "id": "market-data",
            "agent_type": "market_data_agent",
            "config": {"timeframes": ["1m", "5m"], "indicators": ["SMA_20", "EMA_20", "RSI", "MACD", "BBANDS", "ATR"]},
        },
    ],
    "edges": [{"from": "trigger", "to": "market-data"}],
}


@dataclass(frozen=True)
class Replayed:
    tape: Path
    first: Path
    second: Path

    def candles(self) -> pl.DataFrame:
        return pl.read_parquet(self.first / "candles.parquet")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    tape = recorded(TAPE)
    folder = tmp_path_factory.mktemp("replay")
    pipeline = folder / "golden.json"
    pipeline.write_text(json.dumps(PIPELINE))
    for run in ("first", "second"):
        replay([tape], pipelines=pipeline, out=folder / run, timeframes="1m,5m", session="extended")
    return Replayed(tape, folder / "first", folder / "second")


def test_two_runs_are_byte_identical(replayed: Replayed) -> None:
    names = sorted(path.name for path in replayed.first.iterdir())
    assert names == ["candles.parquet", "firings.jsonl", "summary.json", "suppressions.jsonl"]
    for name in names:
        assert (replayed.first / name).read_bytes() == (replayed.second / name).read_bytes(), name
    assert (replayed.first / "firings.jsonl").read_bytes().count(b"\n") > 50


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_candles_equal_those_of_a_group_by_exactly(replayed: Replayed, timeframe: str) -> None:
    length = LENGTH_MS[timeframe]
    tape = pl.read_parquet(replayed.tape)
    last_mark = int(tape["ts_ms"].max() or 0) // 250 * 250  # type: ignore[operator]
    expected = (
        tape.group_by("symbol", (pl.col("ts_ms") // length * length).alias("start"), maintain_order=True)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("size").sum().alias("volume"),
            pl.len().cast(pl.Int64).alias("trades"),
        )
        # A candle that the tape does not outlast by the grace is never closed (T24).
        .filter(pl.col("start") + length + GRACE_MS <= last_mark)
        .rename({"start": "ts_ms"})
        .sort("symbol", "ts_ms")
    )
    found = replayed.candles().filter(timeframe=timeframe).sort("symbol", "ts_ms").select(expected.columns)
    assert len(found) > 400
    assert found.equals(expected)


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
@pytest.mark.parametrize("symbol", ["SPY", "BAC", "AIG"])
def test_indicators_of_closed_candles_equal_talib(replayed: Replayed, symbol: str, timeframe: str) -> None:
    candles = replayed.candles().filter(symbol=symbol, timeframe=timeframe)
    high, low, close = (candles[name].to_numpy() for name in ("high", "low", "close"))
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    expected = {
        "SMA_20": talib.SMA(close, 20),
        "EMA_20": talib.EMA(close, 20),
        "RSI_14": talib.RSI(close, 14),
        "ATR_14": talib.ATR(high, low, close, 14),
        "MACD_12_26_9.line": line,
        "MACD_12_26_9.signal": signal,
        "MACD_12_26_9.histogram": histogram,
        "BBANDS_20_2.upper": upper,
        "BBANDS_20_2.middle": middle,
        "BBANDS_20_2.lower": lower,
    }
    assert set(candles.columns) >= set(expected)
    for column, values in expected.items():
        found = candles[column].to_numpy()
        assert np.isfinite(found).sum() > 50, column
        # MACD's parts cross zero: there the scale is that of the averages they are the difference of.
        scale = close if column.startswith("MACD") else np.abs(values)
        assert np.array_equal(np.isnan(found), np.isnan(values)), column
        assert np.nanmax(np.abs(found - values) / scale) < 1e-9, column
