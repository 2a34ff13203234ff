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
from engine.sessions import Calendars, is_calendar, parse_prefixes, resolve_calendar

NAME = "ingest"


def main() -> int:
    signal.signal(signal.SIGTERM, _end)
    try:
        loaded = settings.load()
        if not loaded.finnhub_api_key.get_secret_value():
            raise ConfigError("TAPEWATCH_FINNHUB_API_KEY: found nothing; set the key of the feed")
        calendars = _calendars(loaded)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    observability.start(NAME, loaded)
    asyncio.run(_run(loaded, calendars))
    return 0


def _calendars(loaded: Settings) -> Calendars:
    try:
        prefixes = parse_prefixes(loaded.calendars)
    except ValueError as error:
        raise ConfigError(f"TAPEWATCH_CALENDARS: {error}") from None
    for prefix, market in prefixes.items():
        if not is_calendar(resolve_calendar(market)):
            raise ConfigError(f"TAPEWATCH_CALENDARS: {prefix}={market}: no such calendar; e.g. XNYS, XLON, XASX")
    return Calendars(prefixes)


def _end(_number: int, _frame: object) -> None:
    """End well before there is anything to close."""
    sys.exit(0)


async def _run(loaded: Settings, calendars: Calendars) -> None:
    # Takes most of a second: by now SIGTERM is minded.
    from ingest.feed import Feed

    heartbeat = Heartbeat(NAME, loaded).start()
    feed = Feed(loaded, SystemClock(), heartbeat, calendars)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, feed.stop)
    try:
        await feed.run()
    finally:
        heartbeat.close()


if __name__ == "__main__":
    sys.exit(main())
