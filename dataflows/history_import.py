"""History files into ClickHouse: in pieces, each noted once it is there, so that a killed import goes on.

The same file read the same way is the same import: it is recognised by its content and done once. Rows replace
themselves, so a piece that was written and not noted is written again and is there once.
"""

from __future__ import annotations

import hashlib
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from core.clock import Clock
from core.errors import InvalidInput, Problem, Unavailable
from core.settings import Settings
from core.store.clickhouse import imports
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.imports import Import
from dataflows.candle_rows import HISTORY, PARTIAL
from dataflows.history_file import Kind, read
from dataflows.history_grid import fit
from dataflows.history_tape import candles_of
from engine.condition import TIMEFRAMES, Session, Timeframe
from engine.sessions import Calendars

PIECE_ROWS = 50_000
_PIECE_MONTHS = 60
"""ClickHouse refuses a block of more than a hundred partitions, and a month is one."""
_FORMAT = 1
"""Counted up when the same file would give other candles."""
_TRIES, _FIRST_AGAIN_S = 6, 0.5
_COLUMNS = (
    "symbol", "session", "timeframe", "feed", "ts_ms", "end_ms", "open", "high", "low", "close", "volume", "vwap",
    "trades", "partial", "source", "seam_ms", "version",
)  # fmt: skip

Progress = Callable[[int, int], None]
"""Told the candles that are in the history, and how many there are in the file."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read. `symbol` and `timeframe` stand for columns that a file lacks.

    timeframes   that trades are made into
    keep_trades  the trades themselves go into `trades_tape` too
    """

    feed: str
    source: str
    session: Session = "regular"
    symbol: str = ""
    timeframe: str = ""
    timeframes: tuple[Timeframe, ...] = TIMEFRAMES
    keep_trades: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """`written` are those of this run; `resumed_at` those that were there before it. `skipped`: rows by reason."""

    file: Path
    kind: Kind
    candles: int
    written: int
    resumed_at: int
    skipped: Counter[str] = field(default_factory=Counter[str])

    @property
    def was_done(self) -> bool:
        return self.written == 0 and self.resumed_at == self.candles


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a file comes to: rows of the table `candles`, and what was left out, by reason.

    `tape` are rows of `trades_tape`, none where trades are not kept.
    """

    kind: Kind
    table: pl.DataFrame
    tape: pl.DataFrame
    skipped: Counter[str]


class Importer:
    """Imports one file at a time. `stop`, once set, ends it after the piece being written."""

    def __init__(
        self,
        clickhouse: ClickHouse,
        settings: Settings,
        clock: Clock,
        *,
        reading: Reading,
        stop: threading.Event | None = None,
        piece_rows: int = PIECE_ROWS,
    ) -> None:
        self._clickhouse = clickhouse
        self._settings = settings
        self._clock = clock
        self._reading = reading
        self._stop = stop or threading.Event()
        self._piece_rows = piece_rows
        self._calendars = Calendars(dict(_pairs(settings.calendars)))
        self._run = uuid.uuid4().hex

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    def prepare(self, file: Path) -> Prepared:
        """Return the rows to be written, in an order that is the same for the same file; nothing is written.

        Raises:
            InvalidInput: with every problem found.
        """
        reading = self._reading
        recorded = read(file, symbol=reading.symbol, timeframe=reading.timeframe)
        source, tape = reading.source or file.stem, pl.DataFrame()
        if recorded.kind == "trades":
            table, skipped = candles_of(
                recorded.table, self._settings, self._calendars, session=reading.session, timeframes=reading.timeframes
            )
            if reading.keep_trades:
                tape = _tape(recorded.table, reading.feed, source)
        else:
            fitted = fit(recorded.table, self._calendars, reading.session)
            table, skipped = fitted.table.with_columns(pl.lit(False).alias("partial")), fitted.skipped
        if table.is_empty():
            why = (
                ", ".join(f"{count:,} {reason}" for reason, count in skipped.most_common()) or "no candle closes in it"
            )
            expected = "candles of the session asked for; pre-market and evening are in --session extended"
            raise InvalidInput([Problem(str(file), f"nothing to import ({why})", expected)])
        # The seam of a history is where it ends, series by series (T22).
        rows = table.with_columns(
            pl.lit(reading.session).alias("session"),
            pl.lit(reading.feed).alias("feed"),
            pl.lit(source).alias("source"),
            pl.col("end_ms").max().over("symbol", "timeframe").alias("seam_ms"),
            pl.when("partial").then(PARTIAL).otherwise(HISTORY).cast(pl.UInt8).alias("version"),
        )
        return Prepared(recorded.kind, rows.select(_COLUMNS), tape, skipped)

    def run(self, file: Path, *, again: bool = False, on_progress: Progress = lambda _done, _all: None) -> Imported:
        """Import a file, or what is missing of it.

        Args:
            again: Write all of it, although it was imported before.

        Raises:
            InvalidInput: the file, or what it holds, cannot be imported.
            Unavailable: ClickHouse stayed away; what is written stays, the next run goes on there.
        """
        import_id = self._identity(file)
        known = None if again else imports.find(self._clickhouse, import_id)
        if known is not None and known.is_complete:
            on_progress(known.done, known.rows)
            # Trades kept are counted with the candles here: nobody asks for more than that all is there.
            return Imported(file, _kind(known.kind), known.rows, 0, known.rows)
        prepared = self.prepare(file)
        candles, everything = len(prepared.table), len(prepared.table) + len(prepared.tape)
        begun = done = min(known.done, everything) if known is not None else 0
        on_progress(done, everything)
        for table, piece in self._parts(prepared, begun):
            if self._stop.is_set():
                break
            self._patiently(lambda table=table, piece=piece: self._write(table, piece, import_id))
            done += len(piece)
            progress = Import(
                import_id=import_id, file=str(file), kind=prepared.kind, feed=self._reading.feed,
                source=self._reading.source, session=self._reading.session, rows=everything, done=done,
                skipped=prepared.skipped.total(), updated_ms=self._clock.now_ms(),
            )  # fmt: skip
            self._patiently(lambda progress=progress: imports.note(self._clickhouse, progress))
            on_progress(done, everything)
        there = min(begun, candles)
        return Imported(file, prepared.kind, candles, min(done, candles) - there, there, prepared.skipped)

    def _parts(self, prepared: Prepared, begun: int) -> Iterator[tuple[str, pl.DataFrame]]:
        """Return the pieces that are to be written into which table: the candles, then the trades."""
        for piece in _pieces(prepared.table, begun, self._piece_rows):
            yield "candles", piece
        for piece in _pieces(prepared.tape, max(0, begun - len(prepared.table)), self._piece_rows):
            yield "trades_tape", piece

    def _write(self, table: str, piece: pl.DataFrame, import_id: str) -> None:
        # Of this run: an older import of the same rows must not make ClickHouse drop these as a repeat.
        first = "-".join(str(value) for value in piece.row(0))
        token = hashlib.blake2b(f"{import_id}-{self._run}-{table}-{len(piece)}-{first}".encode()).hexdigest()[:32]
        self._clickhouse.insert_frame(table, piece, token=token)

    def _patiently(self, write: Callable[[], None]) -> None:
        again_s = _FIRST_AGAIN_S
        for left in reversed(range(_TRIES)):
            try:
                write()
            except Unavailable:
                if not left or self._stop.wait(again_s * random.uniform(0.5, 1.0)):
                    raise
                again_s *= 2
            else:
                return

    def _identity(self, file: Path) -> str:
        digest = hashlib.blake2b(digest_size=16)
        try:
            with file.open("rb") as opened:
                while chunk := opened.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise InvalidInput([Problem(str(file), f"no access: {error.strerror}", "a readable file")]) from None
        r = self._reading
        source = r.source or file.stem
        how = (_FORMAT, r.feed, source, r.session, r.symbol, r.timeframe, ",".join(r.timeframes), r.keep_trades)
        digest.update("|".join(map(str, how)).encode())
        return digest.hexdigest()


def _pieces(table: pl.DataFrame, begun: int, most: int) -> Iterator[pl.DataFrame]:
    """Cut a table sorted by start into pieces of few rows and few months, from row `begun` on."""
    if begun >= len(table):
        return
    months = table["ts_ms"].to_numpy() // (31 * 86_400_000)
    at = begun
    while at < len(table):
        last_month = int(months[at]) + _PIECE_MONTHS
        end = min(at + most, int(months.searchsorted(last_month, side="right")))
        yield table[at:end]
        at = end


def _tape(trades: pl.DataFrame, feed: str, source: str) -> pl.DataFrame:
    """Return trades numbered within their millisecond: that makes each one itself, however often it comes."""
    return trades.select(
        "symbol",
        pl.lit(feed).alias("feed"),
        pl.lit(source).alias("source"),
        "ts_ms",
        pl.int_range(pl.len(), dtype=pl.UInt32).over("symbol", "ts_ms").alias("nth"),
        "price",
        "size",
    ).sort("ts_ms", "symbol", "nth")


def _kind(word: str) -> Kind:
    return "trades" if word == "trades" else "candles"


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    return [(prefix.strip(), code.strip()) for prefix, _, code in pairs]
