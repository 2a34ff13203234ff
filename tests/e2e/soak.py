"""`python -m tests.e2e.soak`: live = replay at length, over a simulated tape or a recorded file; it prints what it saw.

python -m tests.e2e.soak --minutes 60 --speed 60
python -m tests.e2e.soak --recorded DAY.parquet --speed 20 --from 13:30 --to 20:01
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.settings import Settings
from tests.e2e.test_live_is_replay import COINS, GRACE_MS, assert_same_candles, assert_same_firings, pipelines
from tests.integration.ingest.log_of_trades import settings_for
from tests.kit.seen import Seen, running_parts, seen, wait_for_feed_time
from tests.kit.simulator import RunningSimulator, running_simulator
from tests.kit.stack import reachable_folder, running_stack, variables_of

_DAY_MS = 86_400_000
_MORE_S = 120.0
"""Of patience, beyond what playing takes."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a simulator is started with; `given` is the tape where it is a file."""

    symbols: tuple[str, ...]
    arguments: tuple[str, ...]
    feed: str
    given: pl.DataFrame | None = None


def main() -> int:
    asked = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="tapewatch-soak-") as name, _settings(Path(name), asked.grace_ms) as own:
        folder = Path(name)
        played = _recorded(asked, folder) if asked.recorded else _simulated()
        configs = pipelines(played.symbols)
        began = time.monotonic()
        with running_simulator(folder, "--speed", str(asked.speed), *played.arguments) as feed:
            settings = settings_for(own, feed, watch=",".join(played.symbols))
            settings = settings.model_copy(update={"feed_name": played.feed})
            with running_parts(settings, configs, folder):
                until_ms, length_ms = _end(played, feed, asked.minutes)
                wait_for_feed_time(settings, until_ms, timeout_s=length_ms / 1000 / asked.speed + _MORE_S)
        took_s = time.monotonic() - began
        found = seen(settings)
        if played.given is not None:
            _assert_whole(played.given, found)
        candles = assert_same_candles(found, settings)
        firings = assert_same_firings(found, configs, settings, folder)
    timeframes = pl.Series([timeframe for _, _, timeframe, _ in found.candles]).value_counts(sort=True).rows()
    sys.stdout.write(
        f"{len(found.tape):,} trades at {asked.speed:g}x in {took_s:.0f} s: {firings:,} firings and "
        f"{len(found.suppressions):,} suppressions equal in replay; {candles:,} candles in ClickHouse equal to the "
        f"offline ones ({', '.join(f'{count} of {name}' for name, count in timeframes)})\n"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.soak", description=__doc__)
    parser.add_argument("--speed", type=float, default=60.0, help="market seconds a second")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the simulated market")
    parser.add_argument("--recorded", type=Path, help="a Parquet file of trades instead, at its own times")
    parser.add_argument("--from", dest="begin", default="00:00", metavar="HH:MM", help="UTC, of the file's first day")
    parser.add_argument("--to", dest="end", default="24:00", metavar="HH:MM")
    parser.add_argument("--grace-ms", type=int, default=GRACE_MS, help="how long a candle waits for late trades")
    return parser


@contextmanager
def _settings(folder: Path, grace_ms: int) -> Generator[Settings]:
    with reachable_folder() as reachable, running_stack(reachable / "data") as stack:
        own = stack.settings_for_a_test(folder).model_copy(update={"close_grace_ms": grace_ms})
        os.environ.update(variables_of(own))
        yield own


def _simulated() -> Played:
    # Without history: a tape has none either.
    return Played(COINS, ("--refuse", "stock/candle", "--refuse", "crypto/candle"), "simulator")


def _recorded(asked: argparse.Namespace, folder: Path) -> Played:
    table = pl.read_parquet(asked.recorded)
    day_ms = int(table["ts_ms"].to_numpy().min()) // _DAY_MS * _DAY_MS
    table = table.filter(pl.col("ts_ms").is_between(day_ms + _ms_of(asked.begin), day_ms + _ms_of(asked.end)))
    file = folder / "given.parquet"
    table.write_parquet(file)
    symbols = tuple(sorted(table["symbol"].unique().to_list()))
    arguments = ("--source", f"recorded:{file}", "--rebase", "none", "--hold", str(len(symbols)))
    return Played(symbols, arguments, "recorded", table)


def _ms_of(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def _end(played: Played, feed: RunningSimulator, minutes: float) -> tuple[float, float]:
    """Return the feed time to play to, and how much of it that is."""
    if played.given is not None:
        times = played.given["ts_ms"].to_numpy()
        return float(times.max()) + GRACE_MS, float(times.max() - times.min()) + GRACE_MS
    begun_ms = feed.now_ms()
    assert begun_ms is not None
    return begun_ms + minutes * 60_000, minutes * 60_000


def _assert_whole(given: pl.DataFrame, found: Seen) -> None:
    """Assert that the log holds every trade of the file, in its order: none lost, none twice."""
    for symbol in given["symbol"].unique().to_list():
        was, logged = (t.filter(symbol=symbol).select("ts_ms", "price", "size") for t in (given, found.tape))
        assert logged.equals(was), f"{symbol}: {len(was)} trades in the file, {len(logged)} in the log"


if __name__ == "__main__":
    sys.exit(main())
