"""`python -m ingest.simulator`: a local server that speaks the feed's protocol, with a market of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from aiohttp import web

from core import observability, settings
from core.clock import Clock, SystemClock
from core.errors import ConfigError
from core.observability import logger
from ingest.simulator.clock import KEEP_S, PlayerTime
from ingest.simulator.market import Market, RecordedMarket, SyntheticMarket
from ingest.simulator.news import Newsroom
from ingest.simulator.rest import RestSide
from ingest.simulator.socket import SocketSide

RECORDED = "recorded:"
_log = logger(__name__)


def main() -> int:
    asked = _parser().parse_args()
    try:
        observability.start("simulator", settings.load())
        clock = SystemClock()
        market, time = _market_and_time(asked, clock)
        if asked.hold > 0:
            time.hold()
        asyncio.run(_serve(asked, market, time, clock))
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--speed", type=float, default=1.0, help="market seconds a second")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same tape")
    parser.add_argument("--source", default="synthetic", help="synthetic, or recorded:FILE.parquet")
    parser.add_argument("--rebase", choices=("now", "none"), default="now", help="move a recording to now, or not")
    parser.add_argument(
        "--hold", type=int, default=0, metavar="N", help="the market stands still until N symbols are subscribed"
    )
    parser.add_argument("--state", type=Path, help="file that keeps the clock, so that a restart never goes back")
    parser.add_argument("--token", action="append", help="accepted key; may be given several times (simulator)")
    parser.add_argument("--symbol-limit", type=int, default=100)
    parser.add_argument("--calls-per-minute", type=int, default=0, help="REST limit; 0 = none")
    parser.add_argument(
        "--refuse", action="append", default=[], metavar="PATH", help="REST path answered 403, e.g. stock/candle"
    )
    return parser


def _market_and_time(asked: argparse.Namespace, clock: Clock) -> tuple[Market, PlayerTime]:
    if not asked.speed > 0:
        raise ConfigError(f"--speed: found {asked.speed}; a number above 0")
    if not str(asked.source).startswith(RECORDED):
        if asked.source != "synthetic":
            raise ConfigError(f"--source: found {asked.source!r}; synthetic or recorded:FILE")
        return SyntheticMarket(seed=asked.seed), PlayerTime(clock, speed=asked.speed, state=asked.state)
    recording = RecordedMarket(Path(str(asked.source).removeprefix(RECORDED)))
    if asked.rebase == "none":
        time = PlayerTime(clock, speed=asked.speed, state=asked.state, start_ms=recording.first_ms)
        time.offset_ms = 0
        return recording, time
    time = PlayerTime(clock, speed=asked.speed, state=asked.state)
    if time.offset_ms is None:
        time.offset_ms = time.now_ms() - recording.first_ms
    recording.offset_ms = time.offset_ms
    return recording, time


async def _serve(asked: argparse.Namespace, market: Market, time: PlayerTime, clock: Clock) -> None:
    tokens = frozenset(asked.token or ["simulator"])
    app = web.Application()
    newsroom = Newsroom()
    socket = SocketSide(
        market, time, clock, tokens=tokens, symbol_limit=asked.symbol_limit, newsroom=newsroom, hold_for=asked.hold
    )  # fmt: skip
    socket.add_to(app)
    rest = RestSide(
        market, time, clock, tokens=tokens, limit=asked.calls_per_minute, newsroom=newsroom,
        refused=lambda: {*asked.refuse, *socket.faults().refuse}, is_busy=lambda: socket.faults().busy,
    )  # fmt: skip
    rest.add_to(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, asked.host, asked.port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"--port {asked.port}: {error.strerror}") from None
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    playing = asyncio.create_task(socket.play())
    keeping = asyncio.create_task(_keep(time))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([playing, keeping, stopped], return_when=asyncio.FIRST_COMPLETED)
    for task in (playing, keeping):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    with contextlib.suppress(OSError):
        time.close()
    await runner.cleanup()


async def _keep(time: PlayerTime) -> None:
    is_written = True
    while True:
        try:
            await asyncio.to_thread(time.keep)
            is_written = True
        except OSError as error:
            if is_written:
                _log.warning("the clock cannot be kept: a restart may go back in time", reason=error.strerror)
            is_written = False
        await asyncio.sleep(KEEP_S)


if __name__ == "__main__":
    sys.exit(main())
