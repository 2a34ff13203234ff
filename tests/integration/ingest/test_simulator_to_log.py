"""The real client code against the simulator, into a real Kafka protocol."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import cast

import finnhub
import pytest
from confluent_kafka import TopicPartition

from core.settings import Settings
from core.wire import kafka
from core.wire.records import TriggerRecord, encode
from core.wire.topics import partition_of, topics
from core.wire.trades import History, Mark, Message, TradeFrame, decode
from tests.kit.process import free_port, running
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"


@pytest.fixture
def simulator(tmp_path: Path) -> Generator[str]:
    port = free_port()
    arguments = ["--port", str(port), "--speed", "20", "--state", str(tmp_path / "clock.json")]
    with running("ingest.simulator", arguments, variables={}, log=tmp_path / "simulator.log"):
        url = f"127.0.0.1:{port}"
        wait_until(lambda: _answers(f"http://{url}/api/v1/simulator/clock"), timeout_s=20, what="the simulator")
        yield url


@pytest.fixture
def feed_settings(settings: Settings, simulator: str) -> Settings:
    kafka.ensure_topics(settings)
    return settings.model_copy(
        update={
            "finnhub_ws_url": f"ws://{simulator}",
            "finnhub_rest_url": f"http://{simulator}/api/v1",
            "finnhub_calls_per_minute": 6000,
            "feed_clock": "player",
            "feed_name": "simulator",
            "watch_symbols": BTC,
            "finnhub_api_key": settings.finnhub_api_key.__class__("simulator"),
        }
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(json.load(response)["now_ms"])
    except OSError:
        return False


class Log:
    """Everything in one partition of `trades`, read so far."""

    def __init__(self, settings: Settings, symbol: str) -> None:
        self.messages: list[Message] = []
        self._consumer = kafka.consumer(settings)
        partition = partition_of(symbol, settings.trades_partitions)
        self._consumer.assign([TopicPartition(topics(settings).trades.name, partition, 0)])

    def read(self) -> list[Message]:
        for message in kafka.values(self._consumer.consume(500, 0.05)):
            value = message.value()
            assert value is not None
            self.messages.append(decode(value))
        return self.messages

    def trades_of(self, symbol: str) -> int:
        frames = [m for m in self.read() if isinstance(m, TradeFrame) and symbol in m.symbols]
        return sum(int((f.symbol_index == f.symbols.index(symbol)).sum()) for f in frames)

    def close(self) -> None:
        self._consumer.close()


def test_history_comes_first_then_trades_with_marks_between(feed_settings: Settings, tmp_path: Path) -> None:
    log = Log(feed_settings, BTC)
    with running("ingest", [], variables=variables_of(feed_settings), log=tmp_path / "ingest.log"):
        wait_until(lambda: log.trades_of(BTC) > 50, timeout_s=30, what="trades in the log")
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
    log = Log(feed_settings, ETH)
    with running("ingest", [], variables=variables_of(feed_settings), log=tmp_path / "ingest.log"):
        wait_until(lambda: any(isinstance(m, Mark) for m in log.read()), timeout_s=30, what="marks")
        assert log.trades_of(ETH) == 0
        producer = kafka.producer(feed_settings)
        record = TriggerRecord(
            pipeline_id="p", trigger_id="p/n", trigger_version=1, action="set", user_id="u", pipeline_version=1,
            at_ms=0, symbols=[ETH],
        )  # fmt: skip
        producer.produce(topics(feed_settings).triggers.name, encode(record), key="p")
        producer.flush(5)
        wait_until(lambda: log.trades_of(ETH) > 10, timeout_s=30, what="trades of the new symbol")
    log.close()


def test_a_refused_key_is_said_in_the_heartbeat_and_nothing_crashes(feed_settings: Settings, tmp_path: Path) -> None:
    import redis

    wrong = feed_settings.model_copy(update={"finnhub_api_key": feed_settings.finnhub_api_key.__class__("wrong")})
    client = redis.Redis.from_url(wrong.redis_url.get_secret_value(), decode_responses=True)
    with running("ingest", [], variables=variables_of(wrong), log=tmp_path / "ingest.log") as process:
        wait_until(
            lambda: "refused the key" in str(client.get("heartbeat:ingest")), timeout_s=30, what="the refusal said"
        )
        assert process.poll() is None
    client.close()
    assert "wrong" not in (tmp_path / "ingest.log").read_text()


def test_the_vendors_own_client_reads_the_simulators_rest(simulator: str) -> None:
    client = finnhub.Client(api_key="simulator")
    setattr(client, "API_URL", f"http://{simulator}/api/v1")  # noqa: B010
    assert client.quote("AAPL")["c"] > 0
    assert client.quote("NOSUCH")["c"] == 0
    candles = cast("dict[str, list[float]]", client.crypto_candles(BTC, "1", 0, 4_000_000_000))
    assert candles["s"] == "ok"
    assert len({len(candles[k]) for k in "ohlcvt"}) == 1
    assert client.symbol_lookup("apple")["count"] == 1
    assert client.company_news("AAPL", _from="2026-01-01", to="2026-01-02")
    client.close()
