"""`tapewatch doctor` beside a running stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.embedded.examination import Level, examine
from tests.kit.alpaca_data import KEY, SECRET, Bars, alpaca_data
from tests.kit.stack import RunningStack


def test_the_doctor_looks_where_the_stack_of_the_folder_is_and_not_where_the_environment_says(
    stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPEWATCH_KAFKA_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("TAPEWATCH_CLICKHOUSE_URL", "http://127.0.0.1:1")
    found = [one.text for one in examine(stack.directory.root, offline=True) if one.level is Level.WELL]
    assert f"Kafka at {stack.settings.kafka_brokers} answers" in found
    assert f"ClickHouse at {stack.settings.clickhouse_url} answers" in found
    assert "Redis answers" in found


def no_bars(_symbol: str, _timeframe: str, _start: int, _end: int) -> Bars:
    return []


def broker_data(folder: Path, *, offline: bool = False) -> list[tuple[Level, str]]:
    return [(one.level, one.text) for one in examine(folder, offline=offline) if one.about == "broker data"]


def test_the_doctor_says_whether_the_brokers_bars_may_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FINNHUB_REST_URL", "OPENAI_BASE_URL", "ALPACA_STREAM_URL"):
        monkeypatch.setenv(f"TAPEWATCH_{name}", "http://127.0.0.1:1")
    [(level, text)] = broker_data(tmp_path)
    assert level is Level.NOTE
    assert "halts are not seen" in text
    with alpaca_data(no_bars) as server:
        monkeypatch.setenv("TAPEWATCH_ALPACA_DATA_URL", server.url)
        monkeypatch.setenv("TAPEWATCH_ALPACA_DATA_KEY", KEY)
        monkeypatch.setenv("TAPEWATCH_ALPACA_DATA_SECRET", SECRET)
        assert broker_data(tmp_path, offline=True) == [(Level.NOTE, "an Alpaca data key is set; not asked (--offline)")]
        assert server.asked == []
        assert broker_data(tmp_path) == [(Level.WELL, f"{server.url} gives bars of iex")]
        assert not any(SECRET in asked or KEY in asked for asked in server.asked)
        monkeypatch.setenv("TAPEWATCH_ALPACA_DATA_SECRET", "another")
        assert broker_data(tmp_path) == [(Level.WRONG, f"{server.url} refuses the key (status 403)")]
