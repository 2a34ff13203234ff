"""`python -m dataflows.market --shard i --of n`: trades in; candles, firings, live prices out."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from core import observability, settings
from core.clock import SystemClock
from core.errors import ConfigError
from core.heartbeat import Heartbeat
from dataflows.ending import leave
from dataflows.market_process import MarketProcess
from dataflows.stream import Runtime
from engine.compiling import prepare

_log = observability.logger(__name__)
_BAD_CONFIGURATION = 2
_SWITCH_S = 0.0005
"""After this the flow gets the interpreter back from the threads beside it (candles, live prices): not after 5 ms."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one shard until SIGTERM or SIGINT; return the exit code."""
    asked = _parser().parse_args(arguments)
    if not 0 <= asked.shard < asked.of:
        print(f"--shard {asked.shard} --of {asked.of}: shards are numbered from 0", file=sys.stderr)  # noqa: T201
        return _BAD_CONFIGURATION
    try:
        found = settings.load()
        process = f"market-{asked.shard}"
        sys.setswitchinterval(_SWITCH_S)
        observability.start(process, found, nth=asked.shard)
        heartbeat = Heartbeat(process, found).start()
        # While the engine is compiled there is nothing to close, and a signal ends us as it ends any process: a
        # handler of ours would wait for the compiler.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _compile(heartbeat)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        heartbeat.report("starting", "restoring the last state")
        market = MarketProcess(
            found, heartbeat, SystemClock(), shard=asked.shard, of=asked.of, runtime=_runtime(asked.runtime), stop=stop
        )
        try:
            market.run()
        finally:
            heartbeat.close()
    except ConfigError as error:
        print(f"market: {error}", file=sys.stderr)  # noqa: T201
        return _BAD_CONFIGURATION
    except Exception:  # noqa: BLE001 - the outermost loop of a process
        _log.exception("ended by a fault; the next start goes on from the last checkpoint")
        return 1
    _log.info("stopped")
    return 0


def _compile(heartbeat: Heartbeat) -> None:
    """Have the engine compiled before anything is read: the first start on a machine says what it waits for."""

    def tell(sentence: str) -> None:
        _log.info(sentence)
        heartbeat.report("starting", sentence)

    prepare(tell)


def _runtime(name: str) -> Runtime:
    # The loop must not depend on Bytewax being installed.
    if name == "loop":
        from dataflows.loop import run
    else:
        from dataflows.bytewax_runtime import run_market as run
    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dataflows.market")
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--runtime", choices=("bytewax", "loop"), default="bytewax")
    return parser


if __name__ == "__main__":
    leave(main())
