"""`tapewatch replay`: the engine over recorded trades, offline, by the same rules as live."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from core.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from decimal import Decimal
    from types import FrameType

    import polars as pl

    from cli.replay_results import Results
    from core.pipeline import PipelineConfig
    from engine.condition import Session, Timeframe, TriggerSpec
    from engine.engine import Engine
    from engine.trades import Trades

SUFFIXES = (".json", ".yaml", ".yml")
_STOPPED = 130
_TRADES = "Parquet or CSV with the columns symbol, ts_ms, price, size; folders of them; as many as you like."

_AS_LIVE = "The tape was recorded from a running feed: as there, candles that had begun before it are partial."


def replay(
    trades: Annotated[list[Path], typer.Argument(help=_TRADES)],
    *,
    pipelines: Annotated[Path, typer.Option(help="A pipeline's JSON or YAML, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; made when it is not there.")],
    timeframes: Annotated[str, typer.Option(help="Candles to write.")] = "1m,5m,15m,1h,4h,1d",
    session: Annotated[str, typer.Option(help="Candles of the regular or the extended session.")] = "regular",
    as_live: Annotated[bool, typer.Option("--as-live", help=_AS_LIVE)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only say what is wrong.")] = False,
) -> None:
    """Play recorded trades through the engine and write what would have fired.

    What a tape needs: **symbol** (text: AAPL, BINANCE:BTCUSDT), **ts_ms** (epoch milliseconds UTC), **price**,
    **size**. The order of a file is the order of arrival, and stays; several files are played in order of time.
    Prices are taken as they are: no agent runs, no order is placed.

    - A day, with all pipelines of a folder:
      `tapewatch replay 2025-03-10.parquet --pipelines examples/ --out out/`
    - A month of files, one pipeline, only candles of one and five minutes:
      `tapewatch replay tape/2025-03/ --pipelines breakout.yaml --out out/ --timeframes 1m,5m`
    - Pre-market and after hours too, in a script:
      `tapewatch replay a.csv b.csv --pipelines p.json --out out/ --session extended --quiet`
    - What the running platform saw, with the firings it found:
      `tapewatch history tape seen.parquet`, then
      `tapewatch replay seen.parquet --as-live --pipelines p.json --out out/`

    A tape may also have **flags** (what each trade sets) and **codes** (its conditions), as `history tape` writes.

    Writes **firings.jsonl** (each with its evidence), **suppressions.jsonl** (what was withheld, and why),
    **candles.parquet** (with the indicators that the pipelines read) and **summary.json**, byte for byte the same
    from run to run. What was there under these names is replaced at the end, all together; stopped before, or failed,
    it leaves everything as it was.

    Exit code 0: done. 2: something it was given cannot be used, every problem is named. 130: stopped by Ctrl-C.
    """
    try:
        _replay(trades, pipelines, out, _options(timeframes, session), as_live=as_live, is_quiet=quiet)
    except KeyboardInterrupt:
        sys.stderr.write("tapewatch: stopped; nothing was written\n")
        raise typer.Exit(_STOPPED) from None


def _replay(
    trades: list[Path],
    pipelines: Path,
    out: Path,
    wanted: tuple[list[Timeframe], Session],
    *,
    as_live: bool,
    is_quiet: bool,
) -> None:
    from cli.replay_results import Results
    from cli.replay_screen import told
    from cli.tape import read_tape
    from core.pipeline import trigger_spec
    from core.settings import load
    from engine.compiling import prepare

    configs = _load_pipelines(pipelines)
    table = read_tape(trades)
    specs = [trigger_spec(config, config.version) for _, config in configs]
    usual = load().budget_execution_usd
    budgets = {
        spec.trigger_id: config.settings.budget_execution_usd or usual
        for spec, (_, config) in zip(specs, configs, strict=True)
    }
    columns = _columns(configs, specs)
    with told(is_quiet=is_quiet) as tell:
        prepare(tell)
    with _heeding_ctrl_c() as check_ctrl_c, Results(out, columns, *wanted) as results:
        results.begin()
        engine, tape = _engine(table, specs, columns, *wanted, is_complete=not as_live)
        _run(engine, tape, results, specs, budgets=budgets, out=out, is_quiet=is_quiet, check_ctrl_c=check_ctrl_c)


@contextmanager
def _heeding_ctrl_c() -> Generator[Callable[[], None]]:
    """Let Ctrl-C end the block, once; what is given raises where one was lost on the way.

    polars puts a handler of its own before Python's (pola-rs/polars#20961): what comes while its work ends is raised
    twice, or not at all. llvmlite loads compiled code by callbacks, out of which nothing can be raised.
    """
    was_pressed = False

    def on_ctrl_c(_number: int, frame: FrameType | None) -> None:
        nonlocal was_pressed
        was_pressed = True
        while frame is not None:
            if "llvmlite" in frame.f_code.co_filename:
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    def check() -> None:
        if was_pressed:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = signal.signal(signal.SIGINT, on_ctrl_c)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def _options(timeframes: str, session: str) -> tuple[list[Timeframe], Session]:
    from engine.condition import TIMEFRAMES, Session

    asked = [part.strip() for part in timeframes.split(",") if part.strip()]
    unknown = [part for part in asked if part not in TIMEFRAMES]
    if unknown or not asked:
        found = repr(unknown[0] if unknown else timeframes)
        raise InvalidInput([Problem("--timeframes", found, f"some of {', '.join(TIMEFRAMES)}, as in 1m,5m")])
    if session not in get_args(Session):
        raise InvalidInput([Problem("--session", repr(session), "regular or extended")])
    return [t for t in TIMEFRAMES if t in asked], cast("Session", session)


def _load_pipelines(path: Path) -> list[tuple[Path, PipelineConfig]]:
    """Read and check every pipeline; all problems of all files come in one error."""
    from core.pipeline import check, load_text

    files = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InvalidInput([Problem("--pipelines", repr(str(path)), "a pipeline's JSON or YAML, or a folder of them")])
    found: list[tuple[Path, PipelineConfig]] = []
    problems: list[Problem] = []
    for file in files:
        try:
            config = load_text(file.read_text(encoding="utf-8"), name=file.name)
            wrong = check(config)
        except OSError as error:
            raise InvalidInput([Problem(str(file), "a file that cannot be read", str(error.strerror))]) from None
        except UnicodeDecodeError:
            raise InvalidInput([Problem(str(file), "bytes that are no text", "JSON or YAML in UTF-8")]) from None
        except InvalidInput as error:
            problems += [Problem(f"{file.name} {p.path}".strip(), p.found, p.expected) for p in error.problems]
            continue
        problems += [Problem(f"{file.name} {p.path}".strip(), p.found, p.expected) for p in wrong]
        if any(other.id == config.id for _, other in found):
            problems.append(Problem(f"{file.name} id", repr(config.id), "an id that no other file has"))
        found.append((file, config))
    if problems:
        raise InvalidInput(problems)
    return found


def _columns(configs: list[tuple[Path, PipelineConfig]], specs: list[TriggerSpec]) -> list[str]:
    """Return every indicator output that a trigger reads or a market data agent fetches."""
    from core.catalog.analysis import MarketDataSettings
    from engine.condition import Operand
    from engine.indicators.column import columns_of
    from engine.templates import leaves_of

    found: set[str] = set()
    for spec in specs:
        for leaf in leaves_of(spec.condition) if spec.condition is not None else ():
            operands = (leaf.left, leaf.right, leaf.upper)
            found.update(o.column for o in operands if isinstance(o, Operand) and not o.is_field)
    for _, config in configs:
        for node in config.nodes:
            if node.agent_type == "market_data_agent":
                for name in MarketDataSettings.model_validate(node.config).indicators:
                    found.update(columns_of(name))
    return sorted(found)


def _engine(
    table: pl.DataFrame,
    specs: list[TriggerSpec],
    columns: list[str],
    timeframes: list[Timeframe],
    session: Session,
    *,
    is_complete: bool,
) -> tuple[Engine, Trades]:
    import numpy as np
    import polars as pl

    from core.settings import load
    from engine.condition import TriggerChange
    from engine.engine import Engine, EngineConfig
    from engine.sessions import Calendars, parse_prefixes
    from engine.trades import Trades

    settings = load()
    engine = Engine(
        EngineConfig(
            feed="replay",
            calendars=Calendars(parse_prefixes(settings.calendars)),
            close_grace_ms=settings.close_grace_ms,
            sessions=(session,),
            is_offline=is_complete,
        )
    )
    names = table["symbol"].unique(maintain_order=True).to_list()
    ids = {name: engine.symbol_id(name) for name in names}
    engine.watch([(column, timeframe) for timeframe in timeframes for column in columns], session)
    engine.apply([TriggerChange("set", spec.trigger_id, spec) for spec in specs])
    n = len(table)
    tape = Trades(
        symbol=table["symbol"].replace_strict(ids, return_dtype=pl.Int32).to_numpy() if n else np.empty(0, np.int32),
        ts_ms=table["ts_ms"].to_numpy(),
        recv_ms=np.zeros(n, np.int64),
        price=table["price"].to_numpy(),
        size=table["size"].to_numpy(),
        flags=table["flags"].to_numpy(),
        codes=table["codes"].to_numpy(),
    )
    return engine, tape


def _run(
    engine: Engine,
    tape: Trades,
    results: Results,
    specs: list[TriggerSpec],
    *,
    budgets: dict[str, Decimal],
    out: Path,
    is_quiet: bool,
    check_ctrl_c: Callable[[], None],
) -> None:
    from cli.replay_screen import meter, report
    from engine.replay import play

    began_s = time.monotonic()
    with meter(len(tape), is_quiet=is_quiet) as show:
        for output in play(engine, tape):
            check_ctrl_c()
            results.take(output, engine)
            done = sum(engine.counters().values())
            show(done, engine.feed_ms)
    check_ctrl_c()
    summary = results.finish(engine, specs, tape.ts_ms, budgets=budgets)
    if not is_quiet:
        sys.stdout.write(report(summary, time.monotonic() - began_s, out) + "\n")
