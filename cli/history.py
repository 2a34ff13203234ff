"""`tapewatch history`: candles and trades of files into the history, and what is in it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from core.errors import InvalidInput, Problem, Unavailable

if TYPE_CHECKING:
    from core.settings import Settings
    from core.store.clickhouse.client import ClickHouse
    from core.store.clickhouse.coverage import Run
    from core.store.clickhouse.imports import Import
    from dataflows.history_import import Imported, Importer, Reading
    from engine.condition import Session, Timeframe

app = typer.Typer(
    help="Bring recorded candles and trades into the history, see what is in it, ask it in SQL.", no_args_is_help=True
)

_PATHS = "Parquet or CSV files, or folders of them."
_FEED = "Whose prices these are; charts and agents read those of TAPEWATCH_FEED_NAME, which is meant without it."
_SOURCE = "A name for where they come from, shown with each candle; else the file's name."
_SYMBOL = "For a file without a column `symbol`."
_TIMEFRAME = "For a file of candles without a column `timeframe`."
_TIMEFRAMES = "Candles to make of trades."
_KEEP_TRADES = "Keep the trades themselves too, for 30 days, in the table trades_tape."
_CHECK = "Read and check the files, write nothing."
_STATUS_LIMIT = 1_000
_FORMAT = "PrettyCompactMonoBlock"
_TIMEOUT_S = 300.0
_WIDTH = 200
"""Of the table where it goes into a file or another program."""


@app.callback()
def _history() -> None: ...


@app.command("import")
def import_files(
    paths: Annotated[list[Path], typer.Argument(help=_PATHS)],
    feed: Annotated[str, typer.Option(help=_FEED)] = "",
    source: Annotated[str, typer.Option(help=_SOURCE)] = "",
    session: Annotated[str, typer.Option(help="Candles of the regular or the extended session.")] = "regular",
    symbol: Annotated[str, typer.Option(help=_SYMBOL)] = "",
    timeframe: Annotated[str, typer.Option(help=_TIMEFRAME)] = "",
    timeframes: Annotated[str, typer.Option(help=_TIMEFRAMES)] = "1m,5m,15m,1h,4h,1d",
    keep_trades: Annotated[bool, typer.Option("--keep-trades", help=_KEEP_TRADES)] = False,
    again: Annotated[bool, typer.Option("--again", help="Write files that were imported before once more.")] = False,
    check: Annotated[bool, typer.Option("--check", help=_CHECK)] = False,
) -> None:
    """Bring files of candles or trades into the history.

    **Candles** have the columns symbol, timeframe (1m 5m 15m 1h 4h 1d), ts_ms (start), open, high, low, close,
    volume, and may have vwap and trades. **Trades** have symbol, ts_ms, price, size: the engine makes them into
    candles as it does live; a file should hold whole sessions. `ts_ms` is epoch milliseconds UTC.

    Killed or stopped with Ctrl-C, the same command goes on where it was. Run twice, it changes nothing: a file is
    recognised by its content. What was seen live stays; of two histories the one imported last stays.

    Try it:

        tapewatch history import --check DOWNLOADS/

        tapewatch history import spy_1m.csv --symbol SPY --timeframe 1m --source my-broker

        tapewatch history status --symbol SPY

    Exit code 0: all of it is there; 1: ClickHouse is away, or it was stopped; 2: a file cannot be imported, others are.
    """
    from core import settings
    from dataflows.history_file import files_of
    from dataflows.history_import import Reading

    configured = settings.load()
    files = [file for path in paths for file in files_of(path)]
    reading = Reading(
        feed=feed or configured.feed_name, source=source, session=_session(session), symbol=symbol,
        timeframe=_timeframe(timeframe), timeframes=_timeframes(timeframes), keep_trades=keep_trades,
    )  # fmt: skip
    with _importer(configured, reading, is_dry=check) as importer:
        problems = _check_all(importer, files) if check else _import_all(importer, files, again=again)
    if problems:
        raise InvalidInput(problems)


@app.command("status")
def status(
    symbol: Annotated[str, typer.Option(help="Of this symbol only.")] = "",
    timeframe: Annotated[str, typer.Option(help="Of this timeframe only.")] = "",
    feed: Annotated[str, typer.Option(help="Of this feed only.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Say what candles there are: from when to when, from which feed and source, and where sources meet.

    A line is a stretch of candles of one source. Where another source takes over is a seam: indicators that reach
    across it were computed from both. Imports that did not come to their end are listed below.
    """
    from core import settings
    from core.store.clickhouse import coverage, imports

    with _clickhouse(settings.load()) as clickhouse:
        found = coverage.runs(
            clickhouse, symbol=symbol, timeframe=_timeframe(timeframe), feed=feed, limit=_STATUS_LIMIT
        )  # fmt: skip
        waiting = imports.unfinished(clickhouse)
    if as_json:
        import msgspec

        plain = {"candles": msgspec.to_builtins(found), "unfinished_imports": msgspec.to_builtins(waiting)}
        sys.stdout.write(json.dumps(plain, indent=1) + "\n")
    else:
        _print(found, waiting)


@app.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT; - reads it from the standard input.")] = "",
    file: Annotated[Path | None, typer.Option(help="A file that holds it.")] = None,
    form: Annotated[str, typer.Option("--format", help="Any of ClickHouse: CSVWithNames, JSONEachRow …")] = _FORMAT,
) -> None:
    """Ask the history a question in SQL; docs/analytics.md has a score of them. It may read and nothing else.

    Try it:

        tapewatch history sql "SELECT symbol, timeframe, count() FROM candles FINAL GROUP BY ALL"

        tapewatch history sql --file returns.sql --format CSVWithNames > returns.csv
    """
    from core import settings

    text = _query(query, file)
    with _clickhouse(settings.load()) as clickhouse:
        for piece in clickhouse.text(text, form=form):
            sys.stdout.write(piece.decode(errors="replace"))


@app.command("tape")
def tape(
    out: Annotated[Path, typer.Argument(help="The Parquet file to write; made anew.")],
    symbol: Annotated[list[str] | None, typer.Option(help="Of this symbol only; may be given several times.")] = None,
) -> None:
    """Write the trades that the running platform has seen into a file, in the order in which it saw them.

    They come from the log of trades: as far back as that reaches. Beside symbol, ts_ms, price and size stand
    **recv_ms** (when it was received), **flags** (1 sets the last price, 2 sets high and low, 4 counts in volume) and
    **codes** (a bit for each condition code).

    Try it:

        tapewatch history tape seen.parquet --symbol BINANCE:BTCUSDT

        tapewatch replay seen.parquet --as-live --pipelines examples/ --out out/
    """
    from cli.tape import merged
    from core import settings
    from dataflows.tape_log import read_log

    tables = read_log(settings.load())
    if symbol:
        import polars as pl

        tables = [table.filter(pl.col("symbol").is_in(symbol)) for table in tables]
    found = merged(tables)
    try:
        found.write_parquet(out, compression="zstd")
    except OSError as error:
        raise InvalidInput([Problem(str(out), str(error), "a file that can be written")]) from None
    sys.stdout.write(f"{out}: {len(found):,} trades of {found['symbol'].n_unique():,} symbols\n")


def _query(query: str, file: Path | None) -> str:
    if (file is None) == (not query):
        raise InvalidInput([Problem("QUERY", "both or neither", "a SELECT, or --file with one")])
    if file is None:
        text = sys.stdin.read() if query == "-" else query
    else:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput([Problem(str(file), str(error), "a text file with one SELECT")]) from None
    return text.strip().rstrip(";")


@contextmanager
def _clickhouse(configured: Settings) -> Generator[ClickHouse]:
    """Connect to a ClickHouse with the tables of this version."""
    from core.store.clickhouse import schema
    from core.store.clickhouse.client import ClickHouse

    clickhouse = ClickHouse(configured, timeout_s=_TIMEOUT_S)
    try:
        schema.create(clickhouse)
        yield clickhouse
    except Unavailable as error:
        hint = "is the stack running? Start it with: tapewatch up; or set TAPEWATCH_CLICKHOUSE_URL"
        raise Unavailable(f"{error}; {hint}") from None
    finally:
        clickhouse.close()


@contextmanager
def _importer(configured: Settings, reading: Reading, *, is_dry: bool) -> Generator[Importer]:
    from core.clock import SystemClock
    from core.store.clickhouse.client import ClickHouse
    from dataflows.history_import import Importer

    stop = threading.Event()
    if is_dry:
        yield Importer(ClickHouse(configured), configured, SystemClock(), reading=reading)
        return
    before = signal.signal(signal.SIGINT, lambda _number, _frame: stop.set())
    try:
        with _clickhouse(configured) as clickhouse:
            yield Importer(clickhouse, configured, SystemClock(), reading=reading, stop=stop)
    finally:
        signal.signal(signal.SIGINT, before)


def _check_all(importer: Importer, files: Sequence[Path]) -> list[Problem]:
    problems: list[Problem] = []
    for file in files:
        try:
            prepared = importer.prepare(file)
        except InvalidInput as error:
            problems += error.problems
            continue
        sys.stdout.write(f"{file}: {prepared.kind}, {len(prepared.table):,} candles{_left_out(prepared.skipped)}\n")
    return problems


def _import_all(importer: Importer, files: Sequence[Path], *, again: bool) -> list[Problem]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    problems: list[Problem] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for nth, file in enumerate(files, 1):
            task = progress.add_task(f"{nth}/{len(files)} {file.name}", total=None)
            try:
                done = importer.run(
                    file, again=again, on_progress=lambda n, of, task=task: progress.update(task, completed=n, total=of)
                )
            except InvalidInput as error:
                problems += error.problems
                continue
            finally:
                progress.remove_task(task)
            progress.console.print(_line(done), soft_wrap=True, markup=False, highlight=False)
            if importer.is_stopped:
                sys.stderr.write("tapewatch: stopped; the same command goes on from here\n")
                raise typer.Exit(1)
    return problems


def _line(done: Imported) -> str:
    if done.was_done:
        return f"{done.file}: all of it ({done.candles:,} rows) was there already"
    resumed = f", {done.resumed_at:,} were there" if done.resumed_at else ""
    missing = done.candles - done.resumed_at - done.written
    to_do = f", {missing:,} still to come" if missing else ""
    made = " made of trades" if done.kind == "trades" else ""
    return f"{done.file}: {done.written:,} candles{made} written{resumed}{to_do}{_left_out(done.skipped)}"


def _left_out(skipped: dict[str, int]) -> str:
    return "".join(f"; left out: {count:,} {reason}" for reason, count in sorted(skipped.items()))


def _print(found: Sequence[Run], waiting: Sequence[Import]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    if not found:
        console.print("no candles yet; live ones are written as they close, recorded ones by: tapewatch history import")
    else:
        table = Table(box=None, pad_edge=False)
        for column in (
            "symbol",
            "candles of",
            "session",
            "feed",
            "source",
            "from (UTC)",
            "to (UTC)",
            "candles",
            "seam",
        ):
            table.add_column(column, justify="right" if column == "candles" else "left", overflow="fold")
        for run in found:
            count = f"{run.candles:,}" + (f" ({run.partial:,} partial)" if run.partial else "")
            table.add_row(
                run.symbol, run.timeframe, run.session, run.feed, run.source, _time(run.first_ms), _time(run.end_ms),
                count, f"{run.next_source} from {_time(run.end_ms)}" if run.next_source else "",
            )  # fmt: skip
        console.print(table)
        if len(found) == _STATUS_LIMIT:
            console.print(f"the first {_STATUS_LIMIT} lines; ask for a --symbol or --timeframe to see others")
    for one in waiting:
        console.print(f"not complete: {one.file}: {one.done:,} of {one.rows:,} candles; import it again to go on")


def _time(ms: int) -> str:
    from core.clock import to_datetime

    return f"{to_datetime(ms):%Y-%m-%d %H:%M}"


def _session(word: str) -> Session:
    from engine.condition import Session

    if word not in get_args(Session):
        raise InvalidInput([Problem("--session", repr(word), "regular or extended")])
    return cast("Session", word)


def _timeframe(word: str) -> str:
    from engine.condition import TIMEFRAMES

    if word and word not in TIMEFRAMES:
        raise InvalidInput([Problem("--timeframe", repr(word), f"one of {', '.join(TIMEFRAMES)}")])
    return word


def _timeframes(words: str) -> tuple[Timeframe, ...]:
    from engine.condition import TIMEFRAMES

    asked = [word.strip() for word in words.split(",") if word.strip()]
    unknown = [word for word in asked if word not in TIMEFRAMES]
    if unknown or not asked:
        found = repr(unknown[0] if unknown else words)
        raise InvalidInput([Problem("--timeframes", found, f"some of {', '.join(TIMEFRAMES)}, as in 1m,5m")])
    return tuple(t for t in TIMEFRAMES if t in asked)
