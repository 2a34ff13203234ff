"""The whole benchmark of the engine, figure by figure, and what it says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.engine import c_candles, decode, ours, peers, triggers
from benchmarks.engine.result import Figure
from benchmarks.engine.tape import BATCH, Tape, make_tape


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything. Targets are those of the full size."""

    symbols: int
    trades: int
    triggers: tuple[int, ...]
    peer_trades: int
    runs: int


FULL = Size(symbols=10_000, trades=6_000_000, triggers=(1_000, 100_000, 1_000_000), peer_trades=20_000, runs=3)
QUICK = Size(symbols=1_000, trades=400_000, triggers=(1_000, 10_000), peer_trades=2_000, runs=1)
_TARGETS = {0: 10.0, 100_000: 7.0, 1_000_000: 4.0}
_HOT_SYMBOLS = 10
_PEER_SYMBOLS = 20


def figures(size: Size) -> Iterator[Figure]:
    """Measure one after the other; each comes when it is known.

    Raises:
        AssertionError: two ways of doing the same work gave two results.
    """
    tape = make_tape(symbols=size.symbols, trades=size.trades)
    candles = ours.play(tape, runs=size.runs)
    _check_candles(tape, candles.closed)
    yield _rate("candles only", candles.ns, None)
    yield from _against_c(tape, candles)
    yield Figure("a batch of 256 trades, candles only", _batches(tape, 256), "ns/trade")
    yield Figure("a batch of 1 trade, candles only", _batches(tape, 1), "ns/trade")
    forming = ours.play(tape, triggers.forming_triggers(tape.names), runs=size.runs, history=64)
    assert forming.closed == candles.closed
    yield _rate("ten indicators forming on every trade", forming.ns, _TARGETS[0])
    yield from _with_triggers(tape, size)
    yield from _reading(tape, size)
    yield from _changes(tape, size)
    yield from decode.figures()
    yield from _peers(size)
    yield from _starts(is_cold_too=size is FULL)


def _rate(name: str, ns: float, target: float | None, note: str = "") -> Figure:
    return Figure(name, 1000.0 / ns, "M trades/s", target, note=f"{ns:.0f} ns a trade  {note}".strip())


def _check_candles(tape: Tape, closed: int) -> None:
    """Hold the count of closed candles against polars' groups: all but the last of each symbol and timeframe."""
    frame = pl.DataFrame({"symbol": tape.symbol, "ts": tape.ts_ms})
    should = 0
    for minutes in (1, 5, 15, 60, 240, 1440):
        groups = frame.select("symbol", pl.col("ts") // (60_000 * minutes)).unique().height
        should += groups - frame["symbol"].n_unique()
    assert closed == should, f"{closed:,} candles closed, polars finds {should:,}"


def _against_c(tape: Tape, candles: ours.Run) -> Iterator[Figure]:
    found = c_candles.play(tape)
    if found is None:
        yield Figure("plain C, candles only", float("nan"), "", note="no gcc here")
        return
    ns, closed = found
    assert closed == candles.closed, f"C closed {closed:,} candles, the engine {candles.closed:,}"
    yield _rate("plain C, candles only (gcc -O3, sorted by numpy)", ns, None)
    yield Figure("engine's time over plain C's", candles.ns / ns, "x")


def _batches(tape: Tape, size: int) -> float:
    few = min(len(tape), 4_000 * size)
    part = Tape(tape.names, tape.symbol[:few], tape.ts_ms[:few], tape.price[:few], tape.size[:few])
    return ours.play(part, batch=size, runs=1).ns


def _with_triggers(tape: Tape, size: Size) -> Iterator[Figure]:
    by_count: dict[int, float] = {}
    by_firings: dict[int, int] = {}
    for count in size.triggers:
        run = ours.play(tape, triggers.price_triggers(count, tape.names), runs=1)
        by_count[count], by_firings[count] = run.ns, run.firings
        share = run.firings / len(tape)
        yield _rate(f"{count:,} triggers", run.ns, _TARGETS.get(count), f"{share:.4f} firings a trade")
    few, most = size.triggers[0], size.triggers[-1]
    quiet = ours.play(tape, triggers.mostly_quiet_triggers(most, tape.names, live=few), runs=1)
    assert quiet.firings == by_firings[few], "triggers that no trade reaches changed what the others did"
    name = f"growth from {few:,} to {most:,} triggers at equal firings"
    yield Figure(name, quiet.ns / by_count[few], "x", 1.5, is_most=True, note=f"{quiet.ns:.0f} ns a trade")
    hot = tape.names[:_HOT_SYMBOLS]
    run = ours.play(tape, triggers.price_triggers(size.triggers[1], hot), runs=1)
    note = f"{run.firings / len(tape):.4f} firings a trade"
    yield _rate(f"{size.triggers[1]:,} triggers, all on {_HOT_SYMBOLS} symbols", run.ns, None, note)


def _reading(tape: Tape, size: Size) -> Iterator[Figure]:
    """What `... triggers` leaves out: a firing is numbers until somebody looks at it."""
    part = Tape(tape.names, tape.symbol[:BATCH], tape.ts_ms[:BATCH], tape.price[:BATCH], tape.size[:BATCH])
    specs = triggers.price_triggers(size.triggers[1], tape.names)
    yield Figure("read a firing with its evidence", ours.us_a_firing(part, specs), "us", note="not in the rates above")


def _changes(tape: Tape, size: Size) -> Iterator[Figure]:
    count = size.triggers[-1]
    part = Tape(tape.names, tape.symbol[:BATCH], tape.ts_ms[:BATCH], tape.price[:BATCH], tape.size[:BATCH])
    found = ours.change(part, triggers.price_triggers(count, tape.names))
    yield Figure("add a trigger", found.add, "us", 2.0, is_most=True, note=f"in bulk, {count:,}")
    yield Figure("remove a trigger", found.remove, "us", 2.0, is_most=True)
    yield Figure("pause, resume a trigger", found.pause + found.resume, "us")
    yield Figure("memory of a trigger", found.bytes, "bytes", 200.0, is_most=True, note="resident memory, all told")
    yield Figure("memory of a symbol", ours.bytes_a_symbol(tape.names, part), "bytes")


def _peers(size: Size) -> Iterator[Figure]:
    tape = make_tape(symbols=_PEER_SYMBOLS, trades=size.peer_trades)
    # Ours one trade at a time would measure the call; a feed brings small batches.
    mine = ours.play(
        make_tape(symbols=_PEER_SYMBOLS, trades=max(200_000, size.peer_trades)),
        triggers.forming_triggers(tape.names),
        batch=4096,
        runs=size.runs,
        history=64,
    )
    yield Figure(f"engine, {_PEER_SYMBOLS} symbols, ten indicators", mine.ns, "ns/trade")
    for peer in peers.installed():
        theirs = peer.run(tape)
        yield Figure(peer.name, theirs, "ns/trade", note=f"{theirs / mine.ns:,.0f} times ours")
    missing = [peer.package for peer in peers.PEERS if peer not in peers.installed()]
    if missing:
        yield Figure("peers not installed", float(len(missing)), "", note=f"{', '.join(missing)}; run: make setup")
    thresholds = np.random.default_rng(1).uniform(98, 102, 10_000)
    scanned = peers.naive_matcher(tape.price[:200], thresholds)
    yield Figure("a loop over a symbol's 10,000 triggers", scanned, "us/trade", note="naive matcher")


def _starts(*, is_cold_too: bool) -> Iterator[Figure]:
    yield Figure("start to first trade, compiled before", _start_s(None), "s", 3.0, is_most=True)
    if is_cold_too:
        with tempfile.TemporaryDirectory() as empty:
            yield Figure("start to first trade, nothing compiled", _start_s(empty), "s")


def _start_s(cache: str | None) -> float:
    """Return seconds from the start of a process until it has handled a trade."""

    environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
    program = (
        "from benchmarks.engine.tape import make_tape; from engine.engine import Engine, EngineConfig;"
        "e = Engine(EngineConfig()); e.on_trades(next(make_tape(symbols=1, trades=1).batches(e)))"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    return time.perf_counter() - began
