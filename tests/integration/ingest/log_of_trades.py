"""Reads topic `trades` as a flow does, and what ingest says of itself."""

from __future__ import annotations

import contextlib

from confluent_kafka import TopicPartition
from pydantic import SecretStr

from core.settings import Settings
from core.store import redis as redis_store
from core.wire import kafka
from core.wire.topics import partition_of, topics
from core.wire.trades import Mark, Message, TradeFrame, decode
from tests.kit.simulator import TOKEN, RunningSimulator

BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"


def settings_for(settings: Settings, simulator: RunningSimulator, *, watch: str = BTC) -> Settings:
    """Return settings with which ingest listens to the simulator, on topics that exist."""
    kafka.ensure_topics(settings)
    return settings.model_copy(
        update={
            "finnhub_ws_url": simulator.ws_url,
            "finnhub_rest_url": simulator.rest_url,
            "finnhub_calls_per_minute": 6000,
            "feed_clock": "player",
            "feed_name": "simulator",
            "watch_symbols": watch,
            "finnhub_api_key": SecretStr(TOKEN),
        }
    )


def detail_of(settings: Settings) -> str:
    """Return the sentence of ingest's heartbeat, empty while there is none."""
    with contextlib.closing(redis_store.client(settings)) as connection:
        return next((b.detail for b in redis_store.heartbeats(connection) if b.process == "ingest"), "")


class LogOfTrades:
    """Everything in one symbol's partition of `trades`, read so far."""

    def __init__(self, settings: Settings, symbol: str = BTC) -> None:
        self.messages: list[Message] = []
        self._symbol = symbol
        self._consumer = kafka.consumer(settings)
        partition = partition_of(symbol, settings.trades_partitions)
        self._consumer.assign([TopicPartition(topics(settings).trades.name, partition, 0)])

    def read(self) -> list[Message]:
        for message in kafka.values(self._consumer.consume(500, 0.05)):
            value = message.value()
            assert value is not None
            self.messages.append(decode(value))
        return self.messages

    def trades(self) -> int:
        """Return how many trades of the symbol there are."""
        frames = [m for m in self.read() if isinstance(m, TradeFrame) and self._symbol in m.symbols]
        return sum(int((f.symbol_index == f.symbols.index(self._symbol)).sum()) for f in frames)

    def times(self) -> list[int]:
        """Return the exchange times of the symbol's trades, in log order."""
        frames = [m for m in self.read() if isinstance(m, TradeFrame) and self._symbol in m.symbols]
        return [t for f in frames for t in f.ts_ms[f.symbol_index == f.symbols.index(self._symbol)].tolist()]

    def marks(self) -> list[Mark]:
        return [m for m in self.read() if isinstance(m, Mark)]

    def close(self) -> None:
        self._consumer.close()
