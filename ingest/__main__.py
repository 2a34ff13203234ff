"""`python -m ingest`: from the feed to topic `trades`, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys

from core import observability, settings
from core.clock import SystemClock
from core.errors import ConfigError
from core.heartbeat import Heartbeat
from core.settings import Settings
from ingest.feed import Feed

NAME = "ingest"


def main() -> int:
    try:
        loaded = settings.load()
        if not loaded.finnhub_api_key.get_secret_value():
            raise ConfigError("TAPEWATCH_FINNHUB_API_KEY: found nothing; set the key of the feed")
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    observability.start(NAME, loaded)
    asyncio.run(_run(loaded))
    return 0


async def _run(loaded: Settings) -> None:
    heartbeat = Heartbeat(NAME, loaded).start()
    feed = Feed(loaded, SystemClock(), heartbeat)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, feed.stop)
    try:
        await feed.run()
    finally:
        heartbeat.close()


if __name__ == "__main__":
    sys.exit(main())
