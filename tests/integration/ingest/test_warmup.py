"""History out of several sources through the real processes: what is stored, named and said (T22)."""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec import structs
from pydantic import SecretStr

from core.settings import Settings
from core.store import feed_status
from core.store import redis as redis_store
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire.sure_reader import open_log
from dataflows.candle_rows import COLUMNS, candle_rows
from engine.firing import ClosedCandle
from engine.sessions import Calendars
from tests.integration.ingest.log_of_trades import BTC, settings_for
from tests.kit.alpaca_data import KEY, SECRET, Bars, alpaca_data, bar
from tests.kit.log import put_triggers, read_firings
from tests.kit.market_flow import running_market
from tests.kit.processes import running
from tests.kit.simulator import RunningSimulator, running_simulator
from tests.kit.stack import variables_of
from tests.kit.tape import price_trigger
from tests.kit.waiting import wait_until

AAPL = "AAPL"
MINUTE, DAY = 60_000, 86_400_000
OURS, THEIRS = 1.0, 2.0
"""Prices by which candles of our own and of the broker are told."""
_STORED = "SELECT * EXCEPT (version) FROM candles FINAL WHERE symbol = 'AAPL' AND timeframe = '1m' ORDER BY ts_ms"
_CROSS = {"operand": "price", "operator": "crosses_above", "value": "SMA_5"}


def store_own(settings: Settings, symbol: str, starts: list[int]) -> None:
    own = [
        ClosedCandle(
            symbol=symbol, session="regular", timeframe="1m", ts_ms=ts, end_ms=ts + MINUTE, open=OURS, high=OURS,
            low=OURS, close=OURS, volume=1.0, vwap=OURS, trades=1, partial=False, source="stream",
        )
        for ts in starts
    ]  # fmt: skip
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        clickhouse.insert("candles", COLUMNS, candle_rows(own, settings.feed_name), by_column=False, token=symbol)


def stored(settings: Settings) -> list[StoredCandle]:
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows(_STORED, {}, StoredCandle)


def clock_of(simulator: RunningSimulator) -> int:
    now_ms = simulator.now_ms()
    assert now_ms is not None
    return now_ms


def test_T22_each_source_fills_what_is_lacking_and_candles_and_evidence_name_it(
    migrated: Settings, tmp_path: Path
) -> None:
    open_log(migrated)
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        now_ms = clock_of(simulator)
        sessions = Calendars().intervals(AAPL, "regular", "1m", now_ms - 4 * DAY, now_ms - 30 * MINUTE)
        last = [int(ts) for ts in sessions[-120:, 0]]
        ours, theirs = last[:30], last[30:60]
        before, before_end = (int(ms) for ms in sessions[-121])

        def bars(symbol: str, timeframe: str, start: int, end: int) -> Bars:
            assert symbol == AAPL
            return [bar(ts, THEIRS) for ts in last[:60] if timeframe == "1Min" and start <= ts < end]

        with alpaca_data(bars) as alpaca:
            settings = settings_for(migrated, simulator, watch=f"{AAPL},{BTC}").model_copy(
                update={
                    "alpaca_data_key": SecretStr(KEY),
                    "alpaca_data_secret": SecretStr(SECRET),
                    "alpaca_data_url": alpaca.url,
                    "alpaca_stream_url": "",
                }
            )
            store_own(settings, AAPL, ours)
            recent = now_ms // MINUTE * MINUTE
            store_own(settings, BTC, [recent - k * MINUTE for k in range(60, 40, -1)])
            config: dict[str, object] = {"conditions": [_CROSS], "fire": "every_edge"}
            trigger = structs.replace(price_trigger("p-sma", [BTC]), agent_type="technical_trigger", config=config)
            put_triggers(settings, [trigger])
            with (
                running_market(settings, tmp_path / "market.log"),
                running(variables_of(settings), ["ingest"], tmp_path / "ingest.log"),
            ):
                wanted = {*last[:60], before}
                wait_until(
                    lambda: wanted <= {c.ts_ms for c in stored(settings)}, timeout_s=120, what="candles of every source"
                )
                wait_until(lambda: bool(read_firings(settings)), timeout_s=120, what="a firing")
            by_start = {c.ts_ms: c for c in stored(settings)}
            firing = read_firings(settings)[0]
            said = (tmp_path / "ingest.log").read_text()
            assert not any(secret in text for secret in (KEY, SECRET) for text in (said, *alpaca.asked))
    assert [(by_start[ts].source, by_start[ts].close) for ts in ours] == [("stream", OURS)] * 30
    assert [(by_start[ts].source, by_start[ts].close) for ts in theirs] == [("alpaca:iex", THEIRS)] * 30
    assert {by_start[ts].seam_ms for ts in theirs} == {theirs[-1] + MINUTE}
    assert (by_start[before].source, by_start[before].seam_ms) == ("simulator", before_end)
    seams = {s.source: s.seam_ms for s in firing.evidence.history if s.timeframe == "1m"}
    assert seams.keys() == {"own:stream", "simulator"}
    assert seams["own:stream"] == recent - 40 * MINUTE
    assert seams["simulator"] > recent - 40 * MINUTE


def test_T22_without_a_source_it_is_said_which_are_missing(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--refuse", "stock/candle") as simulator:
        own = settings_for(settings, simulator, watch=AAPL)

        def said() -> str:
            with contextlib.closing(redis_store.client(own)) as connection:
                found = feed_status.status(connection)
            return found.no_history.get(AAPL, "") if found else ""

        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            why = wait_until(said, timeout_s=120, what="the missing sources said")
    assert "broker bars: no key is set" in why
    assert "the feed's candles: You don't have access to this resource." in why
