"""A real broker keeps its log: killed and started again, it costs time and nothing else."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from core.wire import kafka
from core.wire.sure_reader import open_log
from deploy.kafka.broker import KafkaBroker
from tests.kit.log import put_tape, put_triggers, read_firings
from tests.kit.market_flow import beat_of, expected, running_market, wait_for_beat
from tests.kit.tape import SYMBOLS, feed_ms_of, make_tape, price_trigger
from tests.kit.waiting import wait_until

TRIGGERS = [price_trigger("p-btc", [SYMBOLS[0]]), price_trigger("p-all", SYMBOLS, value=100.5)]


def test_a_flow_loses_and_doubles_no_firing_over_a_killed_broker(
    kafka_broker: KafkaBroker, own: Settings, tmp_path: Path
) -> None:
    open_log(own)
    before = kafka.cluster_id(own)
    tape = make_tape(seconds=400, partitions=own.trades_partitions, seed=5)
    middle = len(tape) // 2
    should = expected(own, tmp_path, TRIGGERS, tape)
    put_triggers(own, TRIGGERS)
    with running_market(own, tmp_path / "market.out") as market:
        wait_for_beat(own, market, what="every trigger armed", triggers=2)
        put_tape(own, tape[:middle])
        wait_for_beat(own, market, what="all of it read", feed_ms=feed_ms_of(tape[:middle]))
        kafka_broker.kill()

        def says_so() -> bool:
            beat = beat_of(own)
            return beat is not None and beat.state == "waiting" and "Kafka" in beat.detail

        wait_until(says_so, timeout_s=60, what="the flow to say that it waits for Kafka")
        kafka_broker.start()
        wait_until(kafka_broker.answers, timeout_s=60, what="Apache Kafka to come back")
        assert kafka.cluster_id(own) == before, "the log is the same one"
        put_tape(own, tape[middle:])
        wait_until(lambda: set(should.firings) <= _ids(own), timeout_s=60, what="all firings")
        wait_for_beat(own, market, what="well again", feed_ms=feed_ms_of(tape))
        assert market.stop() == 0
    found = [f.firing_id for f in read_firings(own)]
    assert sorted(found) == sorted(should.firings), "each firing once"


def _ids(settings: Settings) -> set[str]:
    return {f.firing_id for f in read_firings(settings)}
