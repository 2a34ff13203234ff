"""Recorded trades, of one file or of many: read, checked, and put in the order in which they are played."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.errors import InvalidInput, Problem
from engine.layout import MAX_MS
from engine.trades import ALL_FLAGS

COLUMNS: dict[str, type[pl.DataType]] = {
    "symbol": pl.String,
    "ts_ms": pl.Int64,
    "price": pl.Float64,
    "size": pl.Float64,
}
TOLD: dict[str, type[pl.DataType]] = {"flags": pl.UInt8, "codes": pl.UInt64}
"""What a recorded stream says besides (`engine.Trades`). A tape without them sets prices with every trade."""
SUFFIXES = (".parquet", ".csv")
_EXPECTED = f"Parquet or CSV with the columns {', '.join(COLUMNS)}"
_KINDS = {
    "symbol": "text",
    "ts_ms": "whole numbers: epoch milliseconds UTC",
    "price": "numbers",
    "size": "numbers",
    "flags": "whole numbers: what a trade sets",
    "codes": "whole numbers: a bit for each condition code",
}


def read_tape(paths: Sequence[Path]) -> pl.DataFrame:
    """Read files, and all Parquet and CSV files in folders, as one tape.

    Within a file its order is the log's and stays. Several files are played in order of time: each by its tape
    time, which never goes back, so a trade out of order stays behind the one that it followed; at the same time
    the file named first goes first, those of a folder by name. A file named twice is read once.

    Returns:
        The columns symbol, ts_ms, price, size, flags, codes, without nulls. It may have no rows.

    Raises:
        InvalidInput: every problem of every file.
    """
    files, problems = _files_of(paths)
    tables: list[pl.DataFrame] = []
    for file in files:
        try:
            tables.append(_read(file))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return merged(tables)


def tape_time(ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the latest time so far at each trade; a time that is none (it will be counted as such) moves nothing."""
    return np.maximum.accumulate(np.where((ts_ms >= 0) & (ts_ms < MAX_MS), ts_ms, -1))


def _files_of(paths: Sequence[Path]) -> tuple[list[Path], list[Problem]]:
    found: dict[Path, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _is_tape(p.relative_to(path)) and p.is_file())
            if not inside:
                problems.append(Problem(str(path), "a folder without trades", f"files in it: {_EXPECTED}"))
        elif path.is_file():
            inside = [path]
        else:
            problems.append(Problem(str(path), "no file", _EXPECTED))
            continue
        for file in inside:
            found.setdefault(file.resolve(), file)
    return list(found.values()), problems


def _is_tape(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _read(path: Path) -> pl.DataFrame:
    is_csv = path.suffix.lower() == ".csv"
    expected = f"a {'CSV' if is_csv else 'Parquet'} file with the columns {', '.join(COLUMNS)}"
    try:
        if path.stat().st_size == 0:
            raise InvalidInput([Problem(str(path), "an empty file", expected)])
        # Unread columns of a CSV may hold anything: only ours are given a type.
        lazy = pl.scan_csv(path, infer_schema=False) if is_csv else pl.scan_parquet(path)
        known = lazy.collect_schema()
        _check_columns(path, known, is_csv=is_csv)
        wanted = {**COLUMNS, **{name: dtype for name, dtype in TOLD.items() if name in known}}
        if is_csv:
            lazy = pl.scan_csv(path, schema_overrides=wanted, infer_schema=False)
        table = lazy.select(pl.col(name).cast(dtype) for name, dtype in wanted.items()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInput([Problem(str(path), str(error).splitlines()[0][:200], expected)]) from None
    nulls = {name: count for name, count in table.null_count().row(0, named=True).items() if count}
    if nulls:
        raise InvalidInput(
            [
                Problem(f"{path} {name}", f"{count} empty values", "a value in every row")
                for name, count in nulls.items()
            ]
        )
    untold = {"flags": ALL_FLAGS, "codes": 0}
    return table.with_columns(pl.lit(untold[n], dtype).alias(n) for n, dtype in TOLD.items() if n not in wanted)


def _check_columns(path: Path, known: pl.Schema, *, is_csv: bool) -> None:
    missing = [name for name in COLUMNS if name not in known]
    if missing:
        raise InvalidInput([Problem(str(path), f"columns {', '.join(known)}", f"{', '.join(missing)} as well")])
    if is_csv:
        return
    fits = {
        "symbol": isinstance(known["symbol"], pl.String | pl.Categorical | pl.Enum),
        "ts_ms": known["ts_ms"].is_integer(),
        "price": known["price"].is_numeric(),
        "size": known["size"].is_numeric(),
        **{name: known[name].is_integer() for name in TOLD if name in known},
    }
    wrong = [name for name, does_fit in fits.items() if not does_fit]
    if wrong:
        raise InvalidInput([Problem(f"{path} {name}", str(known[name]), _KINDS[name]) for name in wrong])


def merged(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Put tapes in one order of time without changing any one's own, as `read_tape` says."""
    tables = [table for table in tables if len(table)] or tables[:1]
    if len(tables) == 1:
        return tables[0]
    times = [tape_time(table["ts_ms"].to_numpy()) for table in tables]
    by_start = sorted(range(len(tables)), key=lambda k: int(times[k][0]))
    if all(times[a][-1] < times[b][0] for a, b in pairwise(by_start)):
        return pl.concat([tables[k] for k in by_start], rechunk=True)
    return pl.concat(tables, rechunk=True)[np.argsort(np.concatenate(times), kind="stable")]
