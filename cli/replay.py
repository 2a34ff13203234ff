"""`tapewatch replay`: the engine over recorded trades, offline, by the same rules as live."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from core.errors import InvalidInput, Problem

if TYPE_CHECKING:
    import polars as pl

    from core.pipeline import PipelineConfig
    from engine.condition import Session, Timeframe, TriggerSpec
    from engine.engine import Engine
    from engine.firing import ClosedCandle
    from engine.output import Output
    from engine.trades import Trades

COLUMNS = ("symbol", "ts_ms", "price", "size")
SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(slots=True)
class _Counts:
    """What goes into summary.json; nothing here depends on when or how fast it ran."""

    firings: Counter[str] = field(default_factory=Counter[str])
    suppressions: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    candles: Counter[str] = field(default_factory=Counter[str])


def replay(
    trades: Annotated[Path, typer.Argument(help="Parquet with the columns symbol, ts_ms, price, size.")],
    pipelines: Annotated[Path, typer.Option(help="A pipeline's JSON or YAML, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; made when it is not there.")],
    timeframes: Annotated[str, typer.Option(help="Candles to write.")] = "1m,5m,15m,1h,4h,1d",
    session: Annotated[str, typer.Option(help="Candles of the regular or the extended session.")] = "regular",
) -> None:
    """Play recorded trades through the engine and write what would have fired.

    Writes firings.jsonl, suppressions.jsonl, candles.parquet and summary.json, byte for byte the same from
    run to run. Exit code 2 for what cannot be read.
    """
    wanted_timeframes, wanted_session = _options(timeframes, session)
    configs = _load_pipelines(pipelines)
    table = _read_trades(trades)
    _prepare_folder(out)

    from core.pipeline import trigger_spec

    specs = [trigger_spec(config, config.version) for _, config in configs]
    columns = _columns(configs, specs)
    engine, tape = _engine(table, specs, columns, wanted_timeframes, wanted_session)
    _run(engine, tape, out, columns, wanted_timeframes, wanted_session, specs)


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


def _read_trades(path: Path) -> pl.DataFrame:
    """Read a tape in the order of the file; that order is the log's."""
    import polars as pl

    expected = f"a Parquet file with the columns {', '.join(COLUMNS)}"
    if not path.is_file():
        raise InvalidInput([Problem(str(path), "no file", expected)])
    try:
        known = pl.read_parquet_schema(path)
        missing = [name for name in COLUMNS if name not in known]
        if missing:
            raise InvalidInput([Problem(str(path), f"columns {', '.join(known)}", f"{', '.join(missing)} as well")])
        table = pl.read_parquet(path, columns=list(COLUMNS)).select(
            pl.col("symbol").cast(pl.String),
            pl.col("ts_ms").cast(pl.Int64),
            pl.col("price").cast(pl.Float64),
            pl.col("size").cast(pl.Float64),
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInput([Problem(str(path), str(error).splitlines()[0][:200], expected)]) from None
    nulls = {name: count for name, count in table.null_count().row(0, named=True).items() if count}
    if nulls:
        name, count = next(iter(nulls.items()))
        raise InvalidInput([Problem(f"{path} {name}", f"{count} empty values", "a value in every row")])
    return table


def _prepare_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InvalidInput([Problem("--out", repr(str(out)), f"a folder to write to: {error.strerror}")]) from None


def _columns(configs: list[tuple[Path, PipelineConfig]], specs: list[TriggerSpec]) -> list[str]:
    """Return every indicator output that a trigger reads or a market data agent fetches."""
    from core.catalog.analysis import MarketDataSettings
    from engine.condition import Operand
    from engine.indicators.column import columns_of
    from engine.matcher import leaves_of

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
) -> tuple[Engine, Trades]:
    import numpy as np
    import polars as pl

    from core.settings import load
    from engine.condition import TriggerChange
    from engine.engine import Engine, EngineConfig
    from engine.sessions import Calendars, parse_prefixes
    from engine.trades import ALL_FLAGS, Trades

    settings = load()
    engine = Engine(
        EngineConfig(
            feed="replay",
            calendars=Calendars(parse_prefixes(settings.calendars)),
            close_grace_ms=settings.close_grace_ms,
            sessions=(session,),
            is_offline=True,
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
        flags=np.full(n, ALL_FLAGS, np.uint8),
        codes=np.zeros(n, np.uint64),
    )
    return engine, tape


def _run(
    engine: Engine,
    tape: Trades,
    out: Path,
    columns: list[str],
    timeframes: list[Timeframe],
    session: Session,
    specs: list[TriggerSpec],
) -> None:
    """Play the tape; the four files take their places together at the end."""
    from rich.console import Console
    from rich.progress import Progress

    from engine.replay import play

    counts = _Counts()
    candles: list[ClosedCandle] = []
    names = ("firings.jsonl", "suppressions.jsonl", "candles.parquet", "summary.json")
    parts = {name: out / f".{name}.part" for name in names}
    console = Console(stderr=True)
    began_s = time.monotonic()
    try:
        with (
            parts["firings.jsonl"].open("wb") as firings,
            parts["suppressions.jsonl"].open("wb") as suppressions,
            Progress(console=console, transient=True) as progress,
        ):
            task = progress.add_task("replay", total=len(tape))
            for output in play(engine, tape):
                for firing in output.firings:
                    firings.write(_line(firing))
                for suppression in output.suppressions:
                    suppressions.write(_line(suppression.firing, reason=suppression.reason))
                _count(counts, output)
                candles += [c for c in output.candles if c.session == session or engine.has_one_session(c.symbol)]
                progress.update(task, completed=sum(engine.counters().values()))
        _write_candles(parts["candles.parquet"], candles, columns, timeframes, counts)
        summary = _summary(engine, tape, counts, timeframes, session, specs)
        parts["summary.json"].write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        for name, part in parts.items():
            part.replace(out / name)
    except OSError as error:
        raise InvalidInput([Problem("--out", str(error), "a folder with room to write to")]) from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    took_s = time.monotonic() - began_s
    console.print(
        f"{len(tape):,} trades in {took_s:.2f} s ({len(tape) / max(took_s, 1e-9):,.0f} a second), "
        f"{sum(counts.candles.values()):,} candles, {sum(counts.firings.values()):,} firings, "
        f"{sum(sum(c.values()) for c in counts.suppressions.values()):,} suppressed: {out}"
    )


def _line(record: object, **more: str) -> bytes:
    import msgspec

    plain = cast("dict[str, object]", msgspec.to_builtins(record))
    return msgspec.json.encode({**plain, **more}, order="sorted") + b"\n"


def _count(counts: _Counts, output: Output) -> None:
    counts.firings.update(firing.trigger_id for firing in output.firings)
    for suppression in output.suppressions:
        by_reason = counts.suppressions.setdefault(suppression.firing.trigger_id, Counter())
        by_reason[suppression.reason] += 1


def _write_candles(
    path: Path, candles: list[ClosedCandle], columns: list[str], timeframes: list[Timeframe], counts: _Counts
) -> None:
    import polars as pl

    kept = [c for c in candles if c.timeframe in timeframes]
    kept.sort(key=lambda c: (c.symbol, timeframes.index(cast("Timeframe", c.timeframe)), c.ts_ms))
    counts.candles.update(c.timeframe for c in kept)
    nan = float("nan")
    table = pl.DataFrame(
        {
            "symbol": [c.symbol for c in kept],
            "timeframe": [c.timeframe for c in kept],
            "ts_ms": [c.ts_ms for c in kept],
            "open": [c.open for c in kept],
            "high": [c.high for c in kept],
            "low": [c.low for c in kept],
            "close": [c.close for c in kept],
            "volume": [c.volume for c in kept],
            "vwap": [c.vwap for c in kept],
            "trades": [c.trades for c in kept],
            **{column: [c.values.get(column, nan) for c in kept] for column in columns},
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
    # Every setting that could change bytes is named.
    table.write_parquet(path, compression="zstd", compression_level=3, statistics=True, row_group_size=65_536)


def _summary(
    engine: Engine,
    tape: Trades,
    counts: _Counts,
    timeframes: list[Timeframe],
    session: Session,
    specs: list[TriggerSpec],
) -> dict[str, object]:
    triggers: dict[str, object] = {}
    for spec in sorted(specs, key=lambda s: s.trigger_id):
        triggers[spec.trigger_id] = {
            "kind": spec.kind,
            "version": spec.version,
            "config_hash": spec.config_hash,
            "symbols": list(spec.symbols),
            "firings": counts.firings[spec.trigger_id],
            "suppressed": dict(counts.suppressions.get(spec.trigger_id, {})),
        }
    return {
        "trades": {"read": len(tape), **engine.counters()},
        "symbols": sorted(engine.symbols),
        "first_ms": int(tape.ts_ms.min()) if len(tape) else None,
        "last_ms": int(tape.ts_ms.max()) if len(tape) else None,
        "session": session,
        "candles": {timeframe: counts.candles[timeframe] for timeframe in timeframes},
        "firings": sum(counts.firings.values()),
        "suppressed": sum(sum(c.values()) for c in counts.suppressions.values()),
        "triggers": triggers,
    }
