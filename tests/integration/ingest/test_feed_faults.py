"""What ingest does when its neighbours die: the player, its own process, the broker; and when the key may less."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

from confluent_kafka import Producer

from core.errors import Unavailable
from core.settings import Settings
from core.store import feed_status
from core.store import redis as redis_store
from core.store.feed_status import SlotWait
from core.wire import kafka
from core.wire.records import DeadLetter, TriggerRecord, decode, encode
from core.wire.topics import topics
from core.wire.trades import History
from tests.integration.ingest.log_of_trades import BTC, ETH, LogOfTrades, detail_of, settings_for
from tests.kit.log import read_all
from tests.kit.processes import running
from tests.kit.simulator import running_simulator
from tests.kit.stack import reachable_folder, running_stack, variables_of
from tests.kit.waiting import wait_until

LONG_S = 60


def wanted(symbol: str) -> TriggerRecord:
    return TriggerRecord(
        pipeline_id="p", trigger_id="p/n", trigger_version=1, action="set", user_id="u", pipeline_version=1, at_ms=0,
        symbols=[symbol],
    )  # fmt: skip


def test_the_feed_goes_on_after_its_player_was_killed_and_time_never_goes_back(
    settings: Settings, tmp_path: Path
) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator)
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            wait_until(lambda: log.trades() > 20, timeout_s=LONG_S, what="trades")
            simulator.process.kill()
            wait_until(lambda: "player does not answer" in detail_of(own), timeout_s=LONG_S, what="it to be said")
            seen, marks = log.trades(), len(log.marks())
            wait_until(lambda: len(log.marks()) > marks + 8, timeout_s=LONG_S, what="marks without a feed")
            assert log.marks()[-1].gap_ms > 0
            stood = [m.feed_ms for m in log.marks()[-4:]]
            assert len(set(stood)) == 1
            with running_simulator(tmp_path, "--speed", "20", port=simulator.port):
                wait_until(lambda: log.trades() > seen + 20, timeout_s=LONG_S, what="trades again")
                wait_until(lambda: log.marks()[-1].gap_ms == 0, timeout_s=LONG_S, what="the gap to be over")
    feed_ms = [m.feed_ms for m in log.marks()]
    times = log.times()
    log.close()
    assert feed_ms == sorted(feed_ms)
    assert times == sorted(times)
    assert all(t > stood[0] for t in times[seen:])


def test_a_killed_ingest_is_followed_at_once_by_its_successor(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator)
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "first.log") as first:
            wait_until(lambda: log.trades() > 20, timeout_s=LONG_S, what="trades")
            first.kill()
        with running(variables_of(own), ["ingest"], tmp_path / "second.log") as second:
            seen = log.trades()
            # Well before the 30 s after which the lock of the dead one would fall by itself.
            wait_until(lambda: log.trades() > seen + 20, timeout_s=25, what="trades of the successor")
            assert second.stop() == 0
        log.close()
    assert "Traceback" not in (tmp_path / "second.log").read_text()


def test_an_ingest_told_to_stop_in_its_first_moments_ends_well(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path) as simulator:
        own = settings_for(settings, simulator)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log") as process:
            wait_until(lambda: _minds_sigterm(process.pid), timeout_s=LONG_S, what="it to mind SIGTERM", every_s=0.001)
            assert process.stop() == 0
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()


def _minds_sigterm(pid: int) -> bool:
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


def test_a_second_ingest_stands_by_until_the_first_one_ends(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator)
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "first.log") as first:
            wait_until(lambda: log.trades() > 20, timeout_s=LONG_S, what="trades")
            with running(variables_of(own), ["ingest"], tmp_path / "second.log"):
                wait_until(lambda: "standing by" in detail_of(own), timeout_s=LONG_S, what="the second to stand by")
                assert first.stop() == 0
                seen = log.trades()
                wait_until(lambda: log.trades() > seen + 20, timeout_s=LONG_S, what="trades of the second")
        log.close()
    assert "a client connected" in (tmp_path / "simulator.log").read_text()


def test_a_broker_that_comes_back_empty_gets_topics_wishes_history_and_trades_anew(tmp_path: Path) -> None:
    with reachable_folder() as folder, running_stack(folder / "data") as stack, \
            running_simulator(tmp_path, "--speed", "20") as simulator:  # fmt: skip
        own = settings_for(stack.settings, simulator)
        before = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log") as process:
            wait_until(lambda: before.trades() > 20, timeout_s=LONG_S, what="trades")
            before.close()
            was = kafka.cluster_id(own)
            os.kill(stack.pid_of("broker"), signal.SIGKILL)
            wait_until(lambda: _is_another(own, was), timeout_s=LONG_S, what="another broker")
            kafka.ensure_topics(own)
            after, other = LogOfTrades(own), LogOfTrades(own, ETH)
            wait_until(lambda: after.trades() > 20, timeout_s=LONG_S, what="trades in the new log")
            wait_until(
                lambda: any(isinstance(m, History) for m in after.read()), timeout_s=LONG_S, what="history again"
            )
            _put(own, wanted(ETH))
            wait_until(lambda: other.trades() > 5, timeout_s=LONG_S, what="trades of a pipeline made since")
            assert process.exit_code is None
            after.close()
            other.close()
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()


def _is_another(settings: Settings, was: str) -> bool:
    try:
        return kafka.cluster_id(settings, timeout_s=1) != was
    except Unavailable:
        return False


def _put(settings: Settings, record: TriggerRecord) -> None:
    producer: Producer = kafka.producer(settings)
    producer.produce(topics(settings).triggers.name, encode(record), key=record.pipeline_id)
    assert producer.flush(10) == 0


def test_a_key_without_candles_listens_all_the_same_and_says_what_it_lacks(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20", "--refuse", "crypto/candle") as simulator:
        own = settings_for(settings, simulator)
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            wait_until(lambda: log.trades() > 20, timeout_s=LONG_S, what="trades")
            wait_until(lambda: "no history (crypto_candle" in detail_of(own), timeout_s=LONG_S, what="it to be said")
        log.close()
    assert not [m for m in log.messages if isinstance(m, History)]


def test_symbols_beyond_the_keys_limit_are_named_and_the_pipelines_come_first(
    settings: Settings, tmp_path: Path
) -> None:
    with running_simulator(tmp_path, "--speed", "20", "--symbol-limit", "1") as simulator:
        own = settings_for(settings, simulator, watch=f"{BTC},BINANCE:SOLUSDT")
        log = LogOfTrades(own, ETH)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            wait_until(lambda: "without a slot: the key allows 1" in detail_of(own), timeout_s=LONG_S, what="the limit")
            _put(own, wanted(ETH))
            wait_until(lambda: log.trades() > 5, timeout_s=LONG_S, what="trades of the pipeline's symbol")
        log.close()


def test_a_symbol_the_feed_does_not_know_is_named(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator, watch=f"NOSUCH,{BTC}")
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            wait_until(lambda: "does not know NOSUCH" in detail_of(own), timeout_s=LONG_S, what="it to be named")
            wait_until(lambda: log.trades() > 5, timeout_s=LONG_S, what="the other's trades")
        log.close()


def test_no_frame_of_the_simulator_is_a_dead_letter(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "200") as simulator:
        own = settings_for(settings, simulator, watch=f"{BTC},{ETH}")
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            wait_until(lambda: log.trades() > 2_000, timeout_s=LONG_S, what="trades")
        log.close()
    letters = [decode(value, DeadLetter) for value in read_all(own, topics(own).dead_letters.name)]
    assert [(one.reason, one.detail) for one in letters] == []
    lines = [json.loads(line) for line in (tmp_path / "ingest.log").read_text().splitlines()]
    assert [line for line in lines if line["level"] == "error"] == []


def test_T32_who_waits_for_a_slot_can_be_read(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path, "--speed", "20", "--symbol-limit", "1") as simulator:
        own = settings_for(settings, simulator, watch=f"{BTC},{ETH}")
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            found = wait_until(lambda: _waiting(own), timeout_s=LONG_S, what="somebody to wait")
    assert [(w.symbol, w.reason) for w in found] == [(ETH, "limit")]


def _waiting(settings: Settings) -> list[SlotWait]:
    with contextlib.closing(redis_store.client(settings)) as connection:
        status = feed_status.status(connection)
    return status.waiting if status else []
