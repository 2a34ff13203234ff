"""`python -m dataflows.costs`: costs, firings, suppressions, executions, news and feed health to ClickHouse."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from core import observability, settings
from core.clock import SystemClock
from core.errors import ConfigError, Unavailable
from core.heartbeat import Heartbeat
from core.settings import Settings
from core.store import postgres
from core.store.clickhouse.client import ClickHouse
from core.wire.position import LogLost
from core.wire.sure_reader import open_log
from dataflows.ending import leave
from dataflows.history import HistoryStream
from dataflows.publisher import Publisher

_log = observability.logger(__name__)
_BAD_CONFIGURATION = 2
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 3.0

Runtime = Callable[[HistoryStream], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        found = settings.load()
        observability.start("costs", found)
        heartbeat = Heartbeat("costs", found).start()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        try:
            follow(found, heartbeat, stop, _runtime(asked.runtime))
        finally:
            heartbeat.close()
    except ConfigError as error:
        print(f"costs: {error}", file=sys.stderr)  # noqa: T201
        return _BAD_CONFIGURATION
    except Exception:  # noqa: BLE001 - the outermost loop of a process
        _log.exception("ended by a fault; the next start reads on from what was committed")
        return 1
    _log.info("stopped")
    return 0


def follow(found: Settings, heartbeat: Heartbeat, stop: threading.Event, runtime: Runtime) -> None:
    """Follow the log, and the next one when it is lost, until told to stop."""
    clock = SystemClock()
    clickhouse, engine = ClickHouse(found), postgres.engine(found, pool_size=1)
    backoff_s = _FIRST_BACKOFF_S
    try:
        while not stop.is_set():
            publisher = Publisher(found)
            try:
                stream = HistoryStream(
                    found, open_log(found), clickhouse=clickhouse, postgres=engine, publisher=publisher,
                    heartbeat=heartbeat, clock=clock, stop=stop,
                )  # fmt: skip
            except (Unavailable, LogLost) as error:
                reason = str(error)
            else:
                backoff_s = _FIRST_BACKOFF_S
                try:
                    runtime(stream)
                finally:
                    stream.close()
                reason = str(stream.ended)
            publisher.close()
            if not stop.is_set():
                heartbeat.report("waiting", reason)
                _log.warning("waiting", reason=reason)
                stop.wait(backoff_s * random.uniform(0.5, 1.0))
                backoff_s = min(_LONGEST_BACKOFF_S, 2 * backoff_s)
    finally:
        clickhouse.close()
        engine.dispose()


def loop(stream: HistoryStream) -> None:
    """Run a stream to its end without Bytewax."""
    while (messages := stream.read()) is not None:
        if messages:
            stream.write(stream.sort(messages))


def _runtime(name: str) -> Runtime:
    if name == "loop":
        return loop
    # The loop must not depend on Bytewax being installed.
    from dataflows.bytewax_runtime import run_costs

    return run_costs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dataflows.costs")
    parser.add_argument("--runtime", choices=("bytewax", "loop"), default="bytewax")
    return parser


if __name__ == "__main__":
    leave(main())
