"""Our engine under the benchmark's tape. CPU time of one thread; the median of some runs."""

from __future__ import annotations

import ctypes
import gc
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import triggers
from benchmarks.engine.tape import BATCH, Tape
from benchmarks.engine.tape import history as make_history
from engine.condition import TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig


@dataclass(frozen=True, slots=True)
class Run:
    """`ns` are CPU nanoseconds a trade; `closed` the candles closed over the whole tape."""

    ns: float
    closed: int
    firings: int


def play(tape: Tape, specs: Sequence[TriggerSpec] = (), *, batch: int = BATCH, runs: int = 3, history: int = 0) -> Run:
    """Play the tape to new engines with these triggers armed; the first tenth is not timed (it warms up).

    Args:
        history: How many 1m candles each symbol has before the tape begins.
    """
    found = [_once(tape, specs, batch, history) for _ in range(runs)]
    assert len({(r.closed, r.firings) for r in found}) == 1, "the same tape gave two results"
    return Run(statistics.median(r.ns for r in found), found[0].closed, found[0].firings)


def _once(tape: Tape, specs: Sequence[TriggerSpec], batch: int, history: int) -> Run:
    engine = Engine(EngineConfig())
    batches = list(tape.batches(engine, size=batch))
    engine.apply(triggers.armed(specs), at_ms=0)
    if history:
        before = make_history(candles=history)
        for name in tape.names:
            engine.on_history(name, "regular", "1m", "bench", before)
    untimed = min(len(batches) - 1, max(1, len(batches) // 10))
    closed = firings = timed = 0
    for part in batches[:untimed]:
        output = engine.on_trades(part)
        closed, firings = closed + len(output.candles), firings + len(output.firings)
    gc.collect()
    gc.disable()
    began = time.process_time_ns()
    for part in batches[untimed:]:
        output = engine.on_trades(part)
        closed, firings, timed = closed + len(output.candles), firings + len(output.firings), timed + len(part)
    spent = time.process_time_ns() - began
    gc.enable()
    assert not any(n for what, n in engine.counters().items() if what not in ("applied", "outside"))
    return Run(spent / timed, closed, firings)


def us_a_firing(tape: Tape, specs: Sequence[TriggerSpec]) -> float:
    """Return microseconds to read a firing: to write it, with its evidence, from what the engine captured."""
    engine = Engine(EngineConfig())
    batches = list(tape.batches(engine))
    engine.apply(triggers.armed(specs), at_ms=0)
    outputs = [engine.on_trades(part) for part in batches]
    began = time.process_time_ns()
    read = sum(len(list(output.firings)) + len(list(output.suppressions)) for output in outputs)
    return (time.process_time_ns() - began) / 1000 / max(1, read)


@dataclass(frozen=True, slots=True)
class Changes:
    """Microseconds a change, in bulk; `bytes` what one armed trigger takes of the process's memory."""

    add: float
    pause: float
    resume: float
    remove: float
    bytes: float


def change(tape: Tape, specs: Sequence[TriggerSpec]) -> Changes:
    """Arm, pause, resume and remove triggers on an engine that knows its symbols, as one change record each."""
    engine = Engine(EngineConfig())
    first = next(tape.batches(engine))
    engine.on_trades(first)
    ids = [spec.trigger_id for spec in specs]
    sets = triggers.armed(specs)
    _warm(engine, sets[:100])
    before = _resident()
    add = _us_each(engine, sets)
    engine.on_trades(first)
    taken = (_resident() - before) / len(specs)
    pause = _us_each(engine, [TriggerChange("pause", i) for i in ids])
    resume = _us_each(engine, [TriggerChange("resume", i) for i in ids])
    remove = _us_each(engine, [TriggerChange("remove", i) for i in ids])
    return Changes(add, pause, resume, remove, taken)


def bytes_a_symbol(names: Sequence[str], tape: Tape) -> float:
    """Return what a symbol with its six forming candles and their history takes."""
    before = _resident()
    engine = Engine(EngineConfig())
    for batch in tape.batches(engine):
        engine.on_trades(batch)
    return (_resident() - before) / len(names)


def _warm(engine: Engine, sets: Sequence[TriggerChange]) -> None:
    """Have what is compiled loaded before the clock runs."""
    ids = [change.trigger_id for change in sets]
    engine.apply(sets, at_ms=0)
    for action in ("pause", "resume", "remove"):
        engine.apply([TriggerChange(action, i) for i in ids], at_ms=0)


def _us_each(engine: Engine, changes: Sequence[TriggerChange]) -> float:
    gc.collect()
    gc.disable()
    began = time.process_time_ns()
    engine.apply(changes, at_ms=0)
    spent = time.process_time_ns() - began
    gc.enable()
    return spent / 1000 / len(changes)


def _resident() -> int:
    """Return what the process has of memory, without what it has freed and the C library keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
