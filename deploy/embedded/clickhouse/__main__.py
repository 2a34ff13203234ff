"""`python -m deploy.embedded.clickhouse --path DIR --port N`: serve one folder until SIGTERM.

The password clients must show is `TAPEWATCH_CLICKHOUSE_PASSWORD`. The engine may take
`--memory-bytes` of memory. Acknowledged inserts survive a kill.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from core import observability, settings
from core.errors import ConfigError
from core.observability import logger

_LOG = logger("deploy.embedded.clickhouse")
_STOP_S = 2.5
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    arguments = _arguments()
    # The engine takes its zone from the process; set before it is loaded.
    os.environ["TZ"] = "UTC"
    time.tzset()
    configured = settings.load()
    secret = configured.clickhouse_password.get_secret_value()
    if not secret:
        raise ConfigError("TAPEWATCH_CLICKHOUSE_PASSWORD: found nothing; any client could read and write all data")
    observability.start("clickhouse", configured)
    return _serve(arguments.path, arguments.port, secret=secret, arguments=arguments)


def _serve(path: Path, port: int, *, secret: str, arguments: argparse.Namespace) -> int:
    # Blocked here and so in every thread to come, taken by `sigwait` alone: a handler could run inside the very
    # lock it needs, and a second signal would then hang the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    from deploy.embedded.clickhouse.engine import Handle, Limits
    from deploy.embedded.clickhouse.failure import EngineError
    from deploy.embedded.clickhouse.pool import Pool
    from deploy.embedded.clickhouse.server import Endpoint

    path.mkdir(parents=True, exist_ok=True)
    limits = Limits(memory_bytes=arguments.memory_bytes)
    pool = Pool(lambda: Handle(path, limits))
    try:
        endpoint = Endpoint("127.0.0.1", port, pool, secret=secret, body_limit=arguments.body_bytes)
    except OSError as error:
        raise ConfigError(f"port {port} of the ClickHouse endpoint: {error.strerror}") from None
    try:
        # Held for as long as we live: the engine shuts down when its last handle is closed.
        keeper = Handle(path, limits)
    except EngineError as error:
        raise ConfigError(f"the ClickHouse folder {path} cannot be opened: {error}") from None

    server = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    server.start()
    _LOG.info("serving", port=port, memory_bytes=limits.memory_bytes)
    signal.sigwait(_STOP_SIGNALS)
    endpoint.shutdown()
    if not endpoint.drain(_STOP_S):
        _LOG.warning("stopped with requests unanswered")
    pool.close()
    keeper.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.clickhouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="folder of the data; one process a folder")
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--memory-bytes", type=int, default=1_000_000_000, help="limit of the engine")
    parser.add_argument("--body-bytes", type=int, default=256_000_000, help="largest request body")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
