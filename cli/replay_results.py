"""What a replay leaves behind: four files that take their places together, the same bytes from run to run."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import cast

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import InvalidInput, Problem
from engine.condition import TIMEFRAMES, Session, Timeframe, TriggerSpec
from engine.engine import Engine
from engine.firing import ClosedCandle
from engine.layout import DAY_MS, MAX_MS
from engine.output import Output

NAMES = ("firings.jsonl", "suppressions.jsonl", "candles.parquet", "summary.json")
_MOST_RECORDS = 20_000
"""Candles kept as records; more of them become columns, which take a tenth of the memory."""
_RANK = {timeframe: rank for rank, timeframe in enumerate(TIMEFRAMES)}


class TriggerCounts(msgspec.Struct, kw_only=True):
    """`firings_a_day` is over the days on the tape; each may start an execution, whose models may cost its budget."""

    kind: str
    version: int
    config_hash: str
    symbols: list[str]
    firings: int
    firings_a_day: float
    model_cost_a_day_at_most_usd: str
    suppressed: dict[str, int]


class Summary(msgspec.Struct, kw_only=True):
    """summary.json: what happened, and nothing of when or how fast it was computed.

    `days` are the UTC days on which there are trades.
    """

    trades: dict[str, int]
    symbols: list[str]
    first_ms: int | None
    last_ms: int | None
    days: int
    session: str
    candles: dict[str, int]
    firings: int
    suppressed: int
    suppressed_by_reason: dict[str, int]
    triggers: dict[str, TriggerCounts]


class Results:
    """Takes what the engine put out, from `begin` on; without `finish` the folder stays as it was."""

    def __init__(self, out: Path, columns: Sequence[str], timeframes: Sequence[Timeframe], session: Session) -> None:
        self._out = out
        self._columns = list(columns)
        self._timeframes = list(timeframes)
        self._session: Session = session
        self._parts = {name: out / f".{name}.part" for name in NAMES}
        self._firings: Counter[str] = Counter()
        self._suppressions: dict[str, Counter[str]] = {}
        self._records: list[ClosedCandle] = []
        self._tables: list[pl.DataFrame] = []
        self._open = ExitStack()

    def __enter__(self) -> Results:
        return self  # and no more: what is made in here would stay when Ctrl-C comes meanwhile

    def begin(self) -> None:
        """Make the folder and the files that grow."""
        with _room(self._out):
            self._out.mkdir(parents=True, exist_ok=True)
            self._firing_lines = self._open.enter_context(self._parts["firings.jsonl"].open("wb"))
            self._suppression_lines = self._open.enter_context(self._parts["suppressions.jsonl"].open("wb"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        for part in self._parts.values():
            with suppress(OSError):  # it was never made; what went wrong is on its way already
                part.unlink(missing_ok=True)

    def take(self, output: Output, engine: Engine) -> None:
        """Write what can be written, count, and keep the candles that were asked for."""
        with _room(self._out):
            for firing in output.firings:
                self._firings[firing.trigger_id] += 1
                self._firing_lines.write(_line(firing))
            for suppression in output.suppressions:
                by_reason = self._suppressions.setdefault(suppression.firing.trigger_id, Counter())
                by_reason[suppression.reason] += 1
                self._suppression_lines.write(_line(suppression.firing, reason=suppression.reason))
        self._records += [
            candle
            for candle in output.candles
            if candle.timeframe in self._timeframes
            and (candle.session == self._session or engine.has_one_session(candle.symbol))
        ]
        if len(self._records) > _MOST_RECORDS:
            self._pack()

    def finish(
        self,
        engine: Engine,
        specs: Sequence[TriggerSpec],
        ts_ms: NDArray[np.int64],
        *,
        budgets: Mapping[str, Decimal],
    ) -> Summary:
        """Write the rest and put all files in place.

        Args:
            ts_ms: The times of all trades.
            budgets: What an execution may spend, in USD, by trigger id.
        """
        self._pack()
        candles = pl.concat(self._tables, rechunk=True).sort(
            "symbol", pl.col("timeframe").replace_strict(_RANK, return_dtype=pl.Int8), "ts_ms", maintain_order=True
        )
        summary = self._summary(engine, specs, candles, ts_ms, budgets)
        with _room(self._out):
            # Every setting that could change bytes is named.
            candles.write_parquet(
                self._parts["candles.parquet"],
                compression="zstd", compression_level=3, statistics=True, row_group_size=65_536,
            )  # fmt: skip
            plain = json.dumps(msgspec.to_builtins(summary), indent=2, sort_keys=True)
            self._parts["summary.json"].write_text(plain + "\n", encoding="utf-8")
            self._open.close()
            with _undisturbed():
                # The summary goes first and comes last: where it is, the four belong together.
                (self._out / "summary.json").unlink(missing_ok=True)
                for name, part in self._parts.items():
                    part.replace(self._out / name)
        return summary

    def _pack(self) -> None:
        if self._records or not self._tables:
            self._tables.append(_table(self._records, self._columns))
            self._records = []

    def _summary(
        self,
        engine: Engine,
        specs: Sequence[TriggerSpec],
        candles: pl.DataFrame,
        ts_ms: NDArray[np.int64],
        budgets: Mapping[str, Decimal],
    ) -> Summary:
        times = ts_ms[(ts_ms >= 0) & (ts_ms < MAX_MS)]
        days = len(np.unique(times // DAY_MS))
        by_reason = sum(self._suppressions.values(), Counter[str]())
        by_timeframe = Counter(dict(candles["timeframe"].value_counts().iter_rows()))
        return Summary(
            trades={"read": len(ts_ms), **engine.counters()},
            symbols=sorted(engine.symbols),
            first_ms=int(times.min()) if len(times) else None,
            last_ms=int(times.max()) if len(times) else None,
            days=days,
            session=self._session,
            candles={timeframe: by_timeframe[timeframe] for timeframe in self._timeframes},
            firings=self._firings.total(),
            suppressed=by_reason.total(),
            suppressed_by_reason=dict(by_reason),
            triggers={
                spec.trigger_id: TriggerCounts(
                    kind=spec.kind,
                    version=spec.version,
                    config_hash=spec.config_hash,
                    symbols=list(spec.symbols),
                    firings=self._firings[spec.trigger_id],
                    firings_a_day=round(self._firings[spec.trigger_id] / max(1, days), 2),
                    model_cost_a_day_at_most_usd=str(self._cost(spec.trigger_id, days, budgets)),
                    suppressed=dict(self._suppressions.get(spec.trigger_id, {})),
                )
                for spec in specs
            },
        )

    def _cost(self, trigger_id: str, days: int, budgets: Mapping[str, Decimal]) -> Decimal:
        """Return what the executions of a trigger's firings may spend a day, in whole cents."""
        return (budgets[trigger_id] * self._firings[trigger_id] / max(1, days)).quantize(Decimal("0.01"))


def _line(record: object, **more: str) -> bytes:
    plain = cast("dict[str, object]", msgspec.to_builtins(record))
    return msgspec.json.encode({**plain, **more}, order="sorted") + b"\n"


def _table(candles: list[ClosedCandle], columns: list[str]) -> pl.DataFrame:
    nan = float("nan")
    return pl.DataFrame(
        {
            "symbol": [c.symbol for c in candles],
            "timeframe": [c.timeframe for c in candles],
            "ts_ms": [c.ts_ms for c in candles],
            "open": [c.open for c in candles],
            "high": [c.high for c in candles],
            "low": [c.low for c in candles],
            "close": [c.close for c in candles],
            "volume": [c.volume for c in candles],
            "vwap": [c.vwap for c in candles],
            "trades": [c.trades for c in candles],
            **{column: [c.values.get(column, nan) for c in candles] for column in columns},
        },
        schema={
            "symbol": pl.String,
            "timeframe": pl.String,
            "ts_ms": pl.Int64,
            **dict.fromkeys(("open", "high", "low", "close", "volume", "vwap"), pl.Float64),
            "trades": pl.Int64,
            **dict.fromkeys(columns, pl.Float64),
        },
    )


@contextmanager
def _room(out: Path) -> Generator[None]:
    """Say what is wrong with the folder when it cannot be written to."""
    try:
        yield
    except OSError as error:
        found = f"{str(out)!r}, {error.strerror or error}"
        raise InvalidInput([Problem("--out", found, "a folder to write to, with room in it")]) from None


@contextmanager
def _undisturbed() -> Generator[None]:
    """Let Ctrl-C wait for the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
