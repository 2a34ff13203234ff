"""What happens to trades while Kafka stands still: kept up to a bound, then dropped and counted, never queued on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from core.clock import SystemClock
from core.wire import kafka
from ingest.normaliser import Row
from ingest.publisher import FULL, Publisher
from tests.integration.ingest.log_of_trades import BTC, LogOfTrades
from tests.kit.stack import reachable_folder, running_stack
from tests.kit.waiting import wait_until

BUFFER_KB = 256
BATCHES = 60
BATCH_KB = FULL * 43 // 1024


def offer(publisher: Publisher, batch: int) -> None:
    for n in range(FULL):
        publisher.add(Row(BTC, 1_000_000 + batch * FULL + n, 2_000_000, 100.0, 1.0, 7, 0))


def test_trades_that_a_paused_broker_does_not_take_are_kept_up_to_a_bound_and_the_rest_is_counted(
    tmp_path: Path,
) -> None:
    with reachable_folder() as folder, running_stack(folder / "data") as stack:
        settings = stack.settings_for_a_test(tmp_path)
        kafka.ensure_topics(settings)
        publisher = Publisher(settings, SystemClock(), buffer_kb=BUFFER_KB)
        assert publisher.check_log()
        offer(publisher, 0)
        wait_until(lambda: _sent(publisher) == FULL, timeout_s=30, what="the first batch to be taken")

        broker = stack.pid_of("broker")
        os.kill(broker, signal.SIGSTOP)
        try:
            for batch in range(1, BATCHES):
                offer(publisher, batch)
            kept = publisher.buffered
            dropped = publisher.counts["trades_dropped"]
        finally:
            os.kill(broker, signal.SIGCONT)
        assert 0 < kept <= BUFFER_KB / BATCH_KB + 1
        assert dropped == (BATCHES - 1 - kept) * FULL

        wait_until(lambda: _sent(publisher) == (1 + kept) * FULL, timeout_s=30, what="what was kept to be taken")
        offer(publisher, BATCHES)
        wait_until(lambda: _sent(publisher) == (2 + kept) * FULL, timeout_s=30, what="trades to go on")
        log = LogOfTrades(settings)
        wait_until(lambda: log.trades() >= (2 + kept) * FULL, timeout_s=30, what="them in the log")
        times = log.times()
        log.close()
        publisher.close()
    assert len(times) == len(set(times)) == (2 + kept) * FULL
    assert times == sorted(times)
    assert publisher.counts["trades"] + publisher.counts["trades_dropped"] == (BATCHES + 1) * FULL


def _sent(publisher: Publisher) -> int:
    publisher.flush_all()
    return publisher.counts["trades"]
