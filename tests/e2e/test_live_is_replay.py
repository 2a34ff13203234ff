"""Live = replay: what the running parts made of a feed, an engine makes again of the trades that they recorded.

The grace is longer here than in the market: at a high speed a short stop of a loaded machine is a long one of the
tape, and a trade that was late live is not late in a file, which has no receipt times (T24).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import pytest

from core.pipeline import PipelineConfig
from core.settings import Settings
from tests.integration.ingest.log_of_trades import settings_for
from tests.kit.data import data_file
from tests.kit.seen import (
    Seen,
    candles_offline,
    differences,
    facts,
    lines,
    plain_facts,
    replayed,
    running_parts,
    seen,
    wait_for_feed_time,
)
from tests.kit.simulator import running_simulator
from tests.kit.stack import variables_of

COINS = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT", "BINANCE:BNBUSDT", "BINANCE:XRPUSDT")
SHARES = ("AIG", "BAC", "SPY")
DAY = "trades/us_equities_20131008.parquet"
OPEN_MS = 1_381_239_000_000
"""2013-10-08 09:30 New York."""
CLOSE_MS = OPEN_MS + 390 * 60_000
GRACE_MS = 600_000


def pipelines(symbols: Sequence[str]) -> list[PipelineConfig]:
    """Return triggers of every kind that a tape decides: judged by trade, by closed candle, held, capped."""
    triggers: dict[str, dict[str, object]] = {
        "above-its-mean": {
            "fire": "every_edge", "all": [{"operand": "price", "operator": "crosses_above", "value": "SMA_3"}]
        },
        "held": {
            "fire": "every_edge", "hold": {"seconds": 20}, "cooldown_seconds": 60,
            "all": [{"operand": "price", "operator": ">", "value": "EMA_5"}],
        },
        "at-close": {
            "fire": "every_edge", "evaluate": "candle_close",
            "all": [{"operand": "close", "operator": ">", "value": "SMA_5"}],
        },
    }  # fmt: skip
    return [
        PipelineConfig.model_validate(
            {
                "id": name, "name": name, "symbols": list(symbols), "primary_timeframe": "1m",
                "nodes": [{"id": "trigger", "agent_type": "technical_trigger", "config": config}],
            }
        )
        for name, config in triggers.items()
    ]  # fmt: skip


@pytest.fixture
def fast(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    found = settings.model_copy(update={"close_grace_ms": GRACE_MS})
    for name, value in variables_of(found).items():
        monkeypatch.setenv(name, value)
    return found


def assert_same_candles(found: Seen, settings: Settings) -> int:
    """Assert that what is stored is what an engine makes; return how many candles that are."""
    offline = candles_offline(found.tape, settings)
    stored = {key: candle for key, candle in found.candles.items() if candle.session == "regular"}
    due_ms = found.until_ms - settings.close_grace_ms
    missing = [c for key, c in offline.items() if key not in stored and c.end_ms <= due_ms]
    assert not missing, f"made offline, and not stored: {missing[:3]}"
    more = [c for key, c in stored.items() if key not in offline and c.end_ms <= due_ms]
    assert not more, f"stored, and not made offline: {more[:3]}"
    both = offline.keys() & stored.keys()
    wrong = {key: said for key in both if (said := differences(stored[key], offline[key]))}
    assert not wrong, dict(list(wrong.items())[:3])
    return len(both)


def assert_same_firings(found: Seen, configs: Sequence[PipelineConfig], settings: Settings, folder: Path) -> int:
    """Assert that a replay of the tape fires and suppresses what was fired and suppressed live, ids included."""
    out = replayed(found.tape, configs, folder)
    due_ms = found.until_ms - settings.close_grace_ms
    for live, name in ((found.firings, "firings.jsonl"), (found.suppressions, "suppressions.jsonl")):
        was = by_id(map(facts, live))
        again = by_id(map(plain_facts, lines(out / name)))
        assert len(was) == len(live), "each once"
        for one in [*(was[k] for k in was.keys() - again.keys()), *(again[k] for k in again.keys() - was.keys())]:
            assert int(str(one["decided_ms"])) > due_ms, (name, "of one side only", one)
        for k in was.keys() & again.keys():
            assert was[k] == again[k]
    return len(found.firings)


def by_id(found: Iterable[dict[str, object]]) -> dict[tuple[object, object], dict[str, object]]:
    return {(one["firing_id"], one.get("reason")): one for one in found}


def test_a_simulated_tape_replayed_gives_the_same_firings_suppressions_and_candles(
    fast: Settings, tmp_path: Path
) -> None:
    configs = pipelines(COINS)
    # Without history: a tape has none either.
    with running_simulator(tmp_path, "--speed", "60", "--refuse", "stock/candle", "--refuse", "crypto/candle") as feed:
        settings = settings_for(fast, feed, watch=",".join(COINS))
        with running_parts(settings, configs, tmp_path):
            begun_ms = feed.now_ms()
            assert begun_ms is not None
            wait_for_feed_time(settings, begun_ms + 25 * 60_000, timeout_s=100)
    found = seen(settings)
    assert assert_same_candles(found, settings) > 5 * 20
    assert assert_same_firings(found, configs, settings, tmp_path) > 30
    assert len(found.suppressions) > 5


def test_the_last_half_hour_of_a_recorded_day_leaves_the_candles_that_its_file_makes(
    fast: Settings, tmp_path: Path
) -> None:
    first_ms, end_ms = CLOSE_MS - 31 * 60_000, CLOSE_MS + 6 * 60_000
    day = pl.read_parquet(data_file(DAY)).filter(pl.col("ts_ms").is_between(first_ms, end_ms))
    file = tmp_path / "day.parquet"
    day.write_parquet(file)
    configs = pipelines(SHARES)
    arguments = ("--source", f"recorded:{file}", "--rebase", "none", "--speed", "60", "--hold", "3")
    with running_simulator(tmp_path, *arguments) as feed:
        settings = settings_for(fast, feed, watch=",".join(SHARES)).model_copy(update={"feed_name": "recorded"})
        with running_parts(settings, configs, tmp_path):
            wait_for_feed_time(settings, end_ms, timeout_s=120)
    found = seen(settings)
    for symbol in SHARES:
        # All of the file, in its order: the market stood still until each symbol was subscribed.
        given, logged = (t.filter(symbol=symbol).select("ts_ms", "price", "size") for t in (day, found.tape))
        assert logged.equals(given), f"{symbol}: {len(given)} trades in the file, {len(logged)} in the log"
    offline = candles_offline(found.tape, settings)
    assert {timeframe for _, _, timeframe, _ in offline} == {"1m", "5m", "15m", "1h", "4h", "1d"}
    assert assert_same_candles(found, settings) > 3 * 30
    assert assert_same_firings(found, configs, settings, tmp_path) > 30
