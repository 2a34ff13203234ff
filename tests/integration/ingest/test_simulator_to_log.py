"""The real client code against the simulator, into a real Kafka protocol."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from core.settings import Settings
from core.wire import kafka
from core.wire.records import TriggerRecord, encode
from core.wire.topics import topics
from core.wire.trades import History, Mark, TradeFrame
from tests.integration.ingest.log_of_trades import BTC, ETH, LogOfTrades, detail_of, settings_for
from tests.kit.processes import running
from tests.kit.simulator import RunningSimulator, running_simulator
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until


@pytest.fixture
def simulator(tmp_path: Path) -> Generator[RunningSimulator]:
    with running_simulator(tmp_path, "--speed", "20") as found:
        yield found


@pytest.fixture
def feed_settings(settings: Settings, simulator: RunningSimulator) -> Settings:
    return settings_for(settings, simulator)


def test_history_comes_first_then_trades_with_marks_between(feed_settings: Settings, tmp_path: Path) -> None:
    log = LogOfTrades(feed_settings, BTC)
    with running(variables_of(feed_settings), ["ingest"], tmp_path / "ingest.log"):
        wait_until(lambda: log.trades() > 50 and len(log.marks()) > 10, timeout_s=60, what="trades and marks")
    log.close()
    history = [m for m in log.messages if isinstance(m, History)]
    assert {h.timeframe for h in history} == {"1m", "5m", "15m", "1h", "4h", "1d"}
    assert all(len(h.ts_ms) > 50 for h in history)
    first_trade = next(i for i, m in enumerate(log.messages) if isinstance(m, TradeFrame))
    assert all(not isinstance(m, History) or m.symbol != BTC for m in log.messages[first_trade:])
    marks = [m for m in log.messages if isinstance(m, Mark)]
    assert [m.feed_ms for m in marks] == sorted(m.feed_ms for m in marks)
    assert {m.health for m in marks[5:]} == {"live"}
    # The player runs 20 times faster than the receipt clock.
    assert marks[-1].feed_ms - marks[5].feed_ms > 5 * (marks[-1].recv_ms - marks[5].recv_ms)


def test_a_symbol_of_a_new_pipeline_is_subscribed_while_it_runs(feed_settings: Settings, tmp_path: Path) -> None:
    log = LogOfTrades(feed_settings, ETH)
    with running(variables_of(feed_settings), ["ingest"], tmp_path / "ingest.log"):
        wait_until(lambda: any(isinstance(m, Mark) for m in log.read()), timeout_s=60, what="marks")
        assert log.trades() == 0
        producer = kafka.producer(feed_settings)
        record = TriggerRecord(
            pipeline_id="p", trigger_id="p/n", trigger_version=1, action="set", user_id="u", pipeline_version=1,
            at_ms=0, symbols=[ETH],
        )  # fmt: skip
        producer.produce(topics(feed_settings).triggers.name, encode(record), key="p")
        producer.flush(5)
        wait_until(lambda: log.trades() > 10, timeout_s=60, what="trades of the new symbol")
    log.close()


def test_a_refused_key_is_said_in_the_heartbeat_and_nothing_crashes(feed_settings: Settings, tmp_path: Path) -> None:
    wrong = feed_settings.model_copy(update={"finnhub_api_key": feed_settings.finnhub_api_key.__class__("wrong")})
    with running(variables_of(wrong), ["ingest"], tmp_path / "ingest.log") as process:
        wait_until(lambda: "refused the key" in detail_of(wrong), timeout_s=60, what="the refusal said")
        assert process.exit_code is None
    assert "wrong" not in (tmp_path / "ingest.log").read_text()
