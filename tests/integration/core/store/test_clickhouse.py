"""History in ClickHouse: rows that arrive twice are read once, and what is absent says so."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal

import msgspec
import pytest

from core.errors import Unavailable
from core.settings import Settings
from core.store.clickhouse import candles, costs, firings
from core.store.clickhouse.client import ClickHouse

_CANDLE = (
    "symbol", "session", "timeframe", "ts_ms", "end_ms", "open", "high", "low", "close", "volume", "vwap",
    "trades", "partial", "feed", "source", "indicators", "version",
)  # fmt: skip
_FIRING = ("firing_id", "pipeline_id", "trigger_id", "symbol", "ts_ms", "decided_ms", "price", "kind", "evidence")
_COST = ("cost_id", "user_id", "agent_type", "cost_type", "model", "at_ms", "input_tokens", "amount_usd")
NOON_MS = 1_795_435_200_000


@pytest.fixture
def clickhouse(migrated: Settings) -> Generator[ClickHouse]:
    made = ClickHouse(migrated)
    yield made
    made.close()


def _candle(ts_ms: int, close: float, *, version: int = 2) -> tuple[object, ...]:
    values = {"SMA_20": close + 1, "RSI_14": float("nan")}
    prices = (1.0, 9.0, 0.5, close, 10.0, 2.0)
    return ("A", "regular", "1m", ts_ms, ts_ms + 60_000, *prices, 3, version == 0, "simulator", "live", values, version)


def _cost(number: int, amount: str, *, user: str = "u1") -> tuple[object, ...]:
    return (f"c{number}", user, "bias_agent", "llm_tokens", "gpt", NOON_MS + number, 100, Decimal(amount))


def test_a_candle_that_comes_again_is_there_once_and_the_better_one_stays(clickhouse: ClickHouse) -> None:
    rows = [_candle(NOON_MS + i * 60_000, float(i)) for i in range(5)]
    clickhouse.insert("candles", _CANDLE, rows, by_column=False, token="a")
    clickhouse.insert("candles", _CANDLE, [_candle(NOON_MS, 77.0, version=0)], by_column=False, token="b")
    clickhouse.insert("candles", _CANDLE, rows, by_column=False, token="c")
    found = candles.latest(clickhouse, "A", "1m", limit=3)
    assert [candle.close for candle in found] == [2.0, 3.0, 4.0]
    assert found[-1].indicators["SMA_20"] == 5.0
    everything = candles.latest(clickhouse, "A", "1m", limit=100)
    assert [candle.close for candle in everything] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [c.close for c in candles.latest(clickhouse, "A", "1m", before_ms=NOON_MS + 60_000)] == [0.0]
    assert candles.latest(clickhouse, "A", "5m") == []


def test_candles_of_long_ago_are_found_behind_those_of_today(clickhouse: ClickHouse) -> None:
    rows = [_candle(NOON_MS - days * 86_400_000, float(days)) for days in (0, 1, 400, 4000)]
    clickhouse.insert("candles", _CANDLE, rows, by_column=False, token="a")
    assert [candle.close for candle in candles.latest(clickhouse, "A", "1m", limit=2)] == [1.0, 0.0]
    assert [candle.close for candle in candles.latest(clickhouse, "A", "1m", limit=10)] == [4000.0, 400.0, 1.0, 0.0]
    before = candles.latest(clickhouse, "A", "1m", limit=1, before_ms=NOON_MS - 2 * 86_400_000, feed="simulator")
    assert [candle.close for candle in before] == [400.0]


def test_a_batch_with_the_same_token_adds_nothing(clickhouse: ClickHouse) -> None:
    class Count(msgspec.Struct):
        n: int

    for _ in range(2):
        clickhouse.insert("costs", _COST, [_cost(1, "0.5")], by_column=False, token="same")
    assert clickhouse.rows("SELECT count() AS n FROM costs", {}, Count) == [Count(1)]


def test_costs_are_summed_once_whatever_was_delivered_twice(clickhouse: ClickHouse) -> None:
    clickhouse.insert("costs", _COST, [_cost(1, "0.10"), _cost(2, "0.0000000001")], by_column=False, token="a")
    clickhouse.insert("costs", _COST, [_cost(2, "0.0000000001"), _cost(3, "5", user="u2")], by_column=False, token="b")
    days = costs.grouped(clickhouse, "u1", by="day", first_day="2026-11-23", last_day="2026-11-23")
    assert [(line.key, line.amount_usd, line.calls, line.input_tokens) for line in days] == [
        ("2026-11-23", Decimal("0.1000000001"), 2, 200)
    ]
    for by in ("agent", "model", "pipeline"):
        (line,) = costs.grouped(clickhouse, "u1", by=by, first_day="2026-11-01", last_day="2026-11-30")
        assert line.amount_usd == Decimal("0.1000000001")
    assert costs.grouped(clickhouse, "u1", by="day", first_day="2026-11-24", last_day="2026-11-30") == []


def test_firings_come_in_pages_of_the_pipelines_asked_for(clickhouse: ClickHouse) -> None:
    rows: list[tuple[object, ...]] = [
        (f"f{i}", "p1", "p1/t", "A", i, NOON_MS + i // 2, None, "tick", "{}") for i in range(5)
    ]
    rows.append(("other", "p2", "p2/t", "A", 1, NOON_MS, 1.0, "tick", "{}"))
    clickhouse.insert("firings", _FIRING, rows, by_column=False, token="a")
    first = firings.page_of_firings(clickhouse, ["p1"], limit=3)
    last = first[-1]
    second = firings.page_of_firings(clickhouse, ["p1"], before=(last.decided_ms, last.firing_id), limit=3)
    assert [firing.firing_id for firing in (*first, *second)] == ["f4", "f3", "f2", "f1", "f0"]
    assert firings.page_of_firings(clickhouse, []) == []
    hostile = firings.page_of_firings(clickhouse, ["p1') OR 1=1 --"], symbol="' OR ''='")
    assert hostile == []


def test_an_absent_clickhouse_is_unavailable(migrated: Settings) -> None:
    away = ClickHouse(migrated.model_copy(update={"clickhouse_url": "http://127.0.0.1:1"}))
    with pytest.raises(Unavailable, match="ClickHouse is away"):
        away.check()


def test_a_database_without_tables_is_not_ready_yet(settings: Settings) -> None:
    clickhouse = ClickHouse(settings)
    with pytest.raises(Unavailable):
        candles.latest(clickhouse, "A", "1m")
    clickhouse.close()
