"""The engine fed with the oracle's records, its outputs as the oracle's facts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from engine.candles import HistoryColumns
from engine.condition import Session, Timeframe, TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.firing import ClosedCandle, Firing
from engine.grammar import parse_trigger
from engine.news_item import NewsItem
from engine.output import Output
from engine.replay import play
from engine.trades import COUNTS_VOLUME, SETS_HIGH_LOW, SETS_LAST, Trades
from tests.oracle.oracle import Fact, Facts
from tests.oracle.records import Change, History, Mark, News, Record, Trade, TriggerText


def spec_of(text: TriggerText) -> TriggerSpec:
    return parse_trigger(
        text.agent_type,
        text.config,
        pipeline_id=text.pipeline_id,
        node_id=text.node_id,
        version=text.version,
        symbols=text.symbols,
        primary_timeframe=text.primary_timeframe,
    )


def trades_of(engine: Engine, found: Sequence[Trade]) -> Trades:
    flags = [SETS_LAST * t.sets_last | SETS_HIGH_LOW * t.sets_high_low | COUNTS_VOLUME * t.counts_volume for t in found]
    return Trades(
        symbol=np.array([engine.symbol_id(t.symbol) for t in found], np.int32),
        ts_ms=np.array([t.ts_ms for t in found], np.int64),
        recv_ms=np.array([t.recv_ms for t in found], np.int64),
        price=np.array([t.price for t in found], np.float64),
        size=np.array([t.size for t in found], np.float64),
        flags=np.array(flags, np.uint8),
        codes=np.array([sum(1 << code for code in t.codes) for t in found], np.uint64),
    )


def firing_fact(firing: Firing) -> Fact:
    fact = dataclasses.asdict(firing)
    del fact["evidence"]["config_hash"], fact["evidence"]["engine_version"]
    return fact


def candle_fact(candle: ClosedCandle) -> Fact:
    return dataclasses.asdict(candle)


@dataclass
class Driver:
    """An engine, and everything it put out so far.

    Attributes:
        batch: Most trades handed over at once.
        restore_every: After so many records the engine is replaced by one restored of its snapshot; 0 never.
    """

    config: EngineConfig
    batch: int = 1_000_000
    restore_every: int = 0
    facts: Facts = field(default_factory=Facts)

    def __post_init__(self) -> None:
        self.engine = Engine(self.config)

    def take_all(self, records: Sequence[Record]) -> Facts:
        """Take records in log order: trades next to each other in batches, everything else one by one."""
        taken = 0
        for part in self._parts(records):
            self._take(part)
            taken += len(part)
            if self.restore_every and taken >= self.restore_every:
                taken = 0
                self.engine = Engine.restore(self.engine.snapshot(), self.config)
        return self.facts

    def play(self, changes: Sequence[Change], trades: Sequence[Trade], *, chunk: int) -> Facts:
        """Play trades as an offline tape, with the triggers in force from the start."""
        for change in changes:
            self._take([change])
        for output in play(self.engine, trades_of(self.engine, trades), chunk=chunk):
            self._keep(output)
        return self.facts

    def _parts(self, records: Sequence[Record]) -> Iterator[list[Record]]:
        part: list[Record] = []
        for record in records:
            if part and not (isinstance(record, Trade) and isinstance(part[0], Trade) and len(part) < self.batch):
                yield part
                part = []
            part.append(record)
        if part:
            yield part

    def _take(self, part: Sequence[Record]) -> None:
        first = part[0]
        if isinstance(first, Trade):
            self._keep(self.engine.on_trades(trades_of(self.engine, [t for t in part if isinstance(t, Trade)])))
        elif isinstance(first, Mark):
            self._keep(
                self.engine.on_mark(
                    first.feed_ms,
                    recv_ms=first.recv_ms,
                    health=first.health,
                    gap_ms=first.gap_ms,
                    symbol_health=first.symbol_health,
                )
            )
        elif isinstance(first, History):
            self._keep(self._history(first))
        elif isinstance(first, News):
            self._keep(self.engine.on_news(NewsItem(**dataclasses.asdict(first))))
        else:
            spec = None if first.trigger is None else spec_of(first.trigger)
            change = TriggerChange(cast("Any", first.action), first.trigger_id, spec)
            self._keep(self.engine.apply([change], at_ms=first.at_ms))

    def _history(self, history: History) -> Output:
        bars = history.bars
        columns = HistoryColumns(
            *([getattr(bar, name) for bar in bars] for name in (
                "ts_ms", "open", "high", "low", "close", "volume", "vwap", "trades",
            ))
        )  # fmt: skip
        return self.engine.on_history(
            history.symbol, cast(Session, history.session), cast(Timeframe, history.timeframe), history.source, columns
        )

    def _keep(self, output: Output) -> None:
        self.facts.firings += [firing_fact(f) for f in output.firings]
        self.facts.suppressions += [(s.reason, firing_fact(s.firing)) for s in output.suppressions]
        self.facts.candles += [candle_fact(c) for c in output.candles]


def differences(ours: Facts, theirs: Facts, *, relative: float = 1e-9) -> list[str]:
    """Return where two sets of facts differ, each as a path with both values; floats agree within `relative`."""
    found: list[str] = []
    for name in ("candles", "firings", "suppressions"):
        _compare(getattr(ours, name), getattr(theirs, name), name, relative, found)
    return found


def _compare(a: Any, b: Any, path: str, relative: float, found: list[str]) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        one, other = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        for key in sorted({*one, *other}):
            _compare(one.get(key, "missing"), other.get(key, "missing"), f"{path}.{key}", relative, found)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        first, second = cast("Sequence[Any]", a), cast("Sequence[Any]", b)
        for i, (x, y) in enumerate(zip(first, second, strict=False)):
            _compare(x, y, f"{path}[{i}]", relative, found)
        if len(first) != len(second):
            longer = first if len(first) > len(second) else second
            which = "engine" if longer is first else "oracle"
            found.append(
                f"{path}: {len(first)} and {len(second)}; only the {which}: {longer[min(len(first), len(second))]}"
            )
    elif isinstance(a, float) and isinstance(b, float):
        is_same = a == b or (math.isnan(a) and math.isnan(b))
        if not is_same and not math.isclose(a, b, rel_tol=relative, abs_tol=min(relative, 1e-9)):
            found.append(f"{path}: {a!r} is not {b!r}")
    elif a != b:
        found.append(f"{path}: {a!r} is not {b!r}")
