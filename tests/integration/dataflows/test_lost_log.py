"""The market flow when the broker comes back without its memory, under a new cluster id."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from core.errors import Unavailable
from core.settings import Settings
from core.store import migrate
from core.wire import kafka
from core.wire.sure_reader import open_log
from core.wire.topics import partition_of, topics
from core.wire.trades import encode_trades
from tests.kit.log import put_tape, put_triggers, read_firings
from tests.kit.market_flow import beat_of, expected, running_market, wait_for_beat
from tests.kit.stack import RunningStack, reachable_folder, running_stack
from tests.kit.tape import START_MS, SYMBOLS, feed_ms_of, frame_of, make_tape, price_trigger
from tests.kit.waiting import wait_until

TRIGGERS = [price_trigger("p-btc", [SYMBOLS[0]]), price_trigger("p-all", SYMBOLS, value=100.5)]


@pytest.fixture
def own_stack() -> Generator[RunningStack]:
    with reachable_folder() as folder, running_stack(folder / "data") as stack:
        yield stack


@pytest.fixture
def own(own_stack: RunningStack, tmp_path: Path) -> Settings:
    settings = own_stack.settings_for_a_test(tmp_path)
    migrate.run(settings)
    return settings


def lose_broker(stack: RunningStack, settings: Settings) -> None:
    """Kill the broker and wait until it is back under another id."""
    before = kafka.cluster_id(settings)
    os.kill(stack.pid_of("broker"), signal.SIGKILL)

    def is_back() -> bool:
        try:
            return kafka.cluster_id(settings, timeout_s=0.5) != before
        except Unavailable:
            return False

    wait_until(is_back, timeout_s=30, what="the broker to come back")


def test_after_the_broker_lost_its_log_the_flow_goes_on_with_all_it_knows(
    own_stack: RunningStack, own: Settings, tmp_path: Path
) -> None:
    open_log(own)
    tape = make_tape(seconds=400, partitions=own.trades_partitions, seed=5)
    middle = len(tape) // 2
    should = expected(own, tmp_path, TRIGGERS, tape)
    put_triggers(own, TRIGGERS)
    with running_market(own, tmp_path / "market.out") as market:
        wait_for_beat(own, market, what="every trigger armed", triggers=2)
        put_tape(own, tape[:middle])
        wait_until(lambda: read_firings(own), timeout_s=60, what="a first firing")
        wait_for_beat(own, market, what="all of it read", feed_ms=feed_ms_of(tape[:middle]))
        first_half = {f.firing_id for f in read_firings(own)}
        lose_broker(own_stack, own)
        # Nobody publishes the triggers again here: the flow has not forgotten them.
        wait_until(lambda: first_half <= {f.firing_id for f in read_firings(own)}, timeout_s=60, what="firings again")
        put_tape(own, tape[middle:])
        wait_until(
            lambda: set(should.firings) <= {f.firing_id for f in read_firings(own)}, timeout_s=60, what="all firings"
        )
        assert market.exit_code is None
        put_triggers(own, TRIGGERS)
        beat = wait_for_beat(own, market, what="well again")
        assert market.stop() == 0
    assert {f.firing_id for f in read_firings(own)} == set(should.firings)
    assert beat.numbers["unreadable"] == 0


def test_a_flow_that_was_down_while_the_log_was_lost_begins_the_new_one_at_its_beginning(
    own_stack: RunningStack, own: Settings, tmp_path: Path
) -> None:
    open_log(own)
    tape = make_tape(seconds=300, partitions=own.trades_partitions, seed=6)
    middle = len(tape) // 2
    should = expected(own, tmp_path, TRIGGERS, tape)
    put_triggers(own, TRIGGERS)
    with running_market(own, tmp_path / "market.out") as market:
        wait_for_beat(own, market, what="every trigger armed", triggers=2)
        put_tape(own, tape[:middle])
        wait_for_beat(own, market, what="all of it read", feed_ms=feed_ms_of(tape[:middle]))
        assert market.stop() == 0
    lose_broker(own_stack, own)
    open_log(own)
    put_triggers(own, TRIGGERS)
    # More records than the old offsets, so that they alone would not give it away.
    put_tape(own, tape[middle:])
    with running_market(own, tmp_path / "market.out") as market:
        wait_until(
            lambda: set(should.firings) <= {f.firing_id for f in read_firings(own)}, timeout_s=60, what="all firings"
        )
        assert market.stop() == 0
    assert {f.firing_id for f in read_firings(own)} == set(should.firings)


def test_while_the_broker_is_away_the_flow_says_so_and_stops_when_told(own: Settings, tmp_path: Path) -> None:
    away = own.model_copy(update={"kafka_brokers": "127.0.0.1:9"})
    with running_market(away, tmp_path / "market.out") as market:

        def says_so() -> bool:
            beat = beat_of(away)
            return beat is not None and beat.state == "waiting" and "Kafka" in beat.detail

        wait_until(says_so, timeout_s=60, what="the flow to say that it waits for Kafka")
        assert market.stop(timeout_s=15) == 0
        assert "Traceback" not in market.output


def test_a_flow_far_behind_reads_a_log_of_very_many_small_batches(
    own_stack: RunningStack, own: Settings, tmp_path: Path
) -> None:
    """Found in a long run: with the fetch wait that suits the end of the log, the broker answered with nothing."""
    open_log(own)
    rows = [[(SYMBOLS[0], START_MS + n, 100.0, 1.0)] for n in range(20_000)]
    put_one_by_one(own, [encode_trades(frame_of(row)) for row in rows], partition_of(SYMBOLS[0], own.trades_partitions))
    with running_market(own, tmp_path / "market.out") as market:
        wait_for_beat(own, market, what="the whole backlog read", trades=len(rows))
        assert market.stop() == 0


def put_one_by_one(settings: Settings, values: list[bytes], partition: int) -> None:
    """Give each record a batch of its own, as trades that come one at a time have."""
    producer = Producer({"bootstrap.servers": settings.kafka_brokers, "linger.ms": 0, "batch.num.messages": 1})
    for n, value in enumerate(values):
        producer.produce(topics(settings).trades.name, value, partition=partition)
        if n % 500 == 499:
            producer.flush(20)
    assert producer.flush(20) == 0
