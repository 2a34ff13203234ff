"""Run Apache Kafka in the foreground: `python -m deploy.kafka --data-dir D`. Ctrl-C stops it; the log stays."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from pathlib import Path

from core.errors import ConfigError
from deploy.kafka.broker import KafkaBroker

_EVERY_S = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of its log; made where it is missing")
    parser.add_argument("--heap-mb", type=int, default=512, help="memory of the Java heap (default 512)")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        broker = KafkaBroker(asked.data_dir, heap_mb=asked.heap_mb)
        with contextlib.closing(_Stopping(broker)), contextlib.suppress(KeyboardInterrupt):
            broker.start()
            while not broker.answers():
                time.sleep(_EVERY_S)
            sys.stdout.write(f"TAPEWATCH_KAFKA_BROKERS={broker.address}\n")
            sys.stdout.flush()
            while broker.exit_code is None:
                time.sleep(_EVERY_S)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


class _Stopping:
    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker

    def close(self) -> None:
        self._broker.stop()


if __name__ == "__main__":
    sys.exit(main())
