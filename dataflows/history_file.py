"""A file of recorded trades or candles, Parquet or CSV, read and checked: a problem names column, row and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from core.errors import InvalidInput, Problem
from engine.condition import TIMEFRAMES

Kind = Literal["trades", "candles"]

TRADES = {"symbol": pl.String, "ts_ms": pl.Int64, "price": pl.Float64, "size": pl.Float64}
CANDLES = {
    "symbol": pl.String, "timeframe": pl.String, "ts_ms": pl.Int64, "open": pl.Float64, "high": pl.Float64,
    "low": pl.Float64, "close": pl.Float64, "volume": pl.Float64,
}  # fmt: skip
OPTIONAL = {"vwap": pl.Float64, "trades": pl.UInt32}
"""Of candles: without a VWAP the typical price stands for it, and 0 trades means that nobody knows."""
SUFFIXES = (".parquet", ".csv")
_SHAPES = f"either {', '.join(TRADES)} (trades) or {', '.join(CANDLES)} (candles)"
_OTHER_NAMES = {
    "symbol": ("ticker", "sym", "instrument", "s"),
    "timeframe": ("interval", "resolution", "tf"),
    "ts_ms": ("ts", "t", "time", "timestamp", "date", "datetime", "open_time"),
    "price": ("p", "last", "trade_price"),
    "size": ("qty", "quantity", "amount", "v", "volume"),
    "open": ("o",), "high": ("h",), "low": ("l",), "close": ("c",),
    "volume": ("v", "vol", "qty", "size"),
}  # fmt: skip
_FIRST_MS, _LAST_MS = 631_152_000_000, 2_524_608_000_000  # 1990 to 2050: as far as the calendars go
_MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Recorded:
    """`table` has the columns of its kind, in the order of the file; for candles `vwap` and `trades` too."""

    kind: Kind
    table: pl.DataFrame


def files_of(path: Path) -> list[Path]:
    """Return the file, or every Parquet and CSV file of a folder and those below it, by name.

    Raises:
        InvalidInput: there is none.
    """
    if path.is_file():
        return [path]
    expected = "a Parquet or CSV file, or a folder that holds some"
    if not path.is_dir():
        raise InvalidInput([Problem(str(path), "nothing", expected)])
    found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise InvalidInput([Problem(str(path), "no such file in it", expected)])
    return found


def read(file: Path, *, symbol: str = "", timeframe: str = "") -> Recorded:
    """Read a whole file.

    Args:
        symbol, timeframe: Of every row, for a file that has no such column.

    Raises:
        InvalidInput: all that is wrong with it, up to five problems.
    """
    table = _read_any(file)
    given = {name: value for name, value in (("symbol", symbol), ("timeframe", timeframe)) if value}
    table = table.with_columns(
        [pl.lit(value).alias(name) for name, value in given.items() if name not in table.columns]
    )
    kind = _kind(file, table.columns)
    wanted = TRADES if kind == "trades" else CANDLES | {n: t for n, t in OPTIONAL.items() if n in table.columns}
    _need_columns(file, table.columns, wanted)
    table, problems = _typed(file, table.select(list(wanted)), wanted)
    if not problems:
        problems = _wrong_times(file, table) or _CHECKS[kind](file, table)
    if problems:
        raise InvalidInput(problems[:_MOST_PROBLEMS])
    if kind == "candles":
        if "vwap" not in table.columns:
            table = table.with_columns(((pl.col("high") + pl.col("low") + pl.col("close")) / 3).alias("vwap"))
        if "trades" not in table.columns:
            table = table.with_columns(pl.lit(0, pl.UInt32).alias("trades"))
    return Recorded(kind, table)


def _read_any(file: Path) -> pl.DataFrame:
    """Read every column there is; those of a CSV stay text until each value can be judged."""
    suffix = file.suffix.lower()
    try:
        if suffix == ".csv":
            return pl.read_csv(file, infer_schema=False, truncate_ragged_lines=False)
        if suffix == ".parquet":
            return pl.read_parquet(file)
    except pl.exceptions.NoDataError:
        raise InvalidInput([Problem(str(file), "an empty file", f"columns named {_SHAPES}")]) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidInput(
            [Problem(str(file), f"no readable {suffix[1:]} ({said[0][:200]})", "a whole file")]
        ) from None
    raise InvalidInput([Problem(str(file), f"the ending {suffix!r}", "a .parquet or .csv file")])


def _kind(file: Path, columns: Sequence[str]) -> Kind:
    has = set(columns)
    if has & {"open", "high", "low", "close"}:
        return "candles"
    if has & {"price", "size"}:
        return "trades"
    raise InvalidInput([Problem(str(file), f"columns {', '.join(columns)}", f"columns named {_SHAPES}")])


def _need_columns(file: Path, columns: Sequence[str], wanted: Mapping[str, type[pl.DataType]]) -> None:
    missing = [name for name in wanted if name not in columns]
    if not missing:
        return
    problems: list[Problem] = []
    for name in missing:
        near = [c for c in columns if c.lower() == name or c.lower() in _OTHER_NAMES.get(name, ())]
        remedy = f"rename {near[0]!r} to {name!r}" if near else f"a column {name!r}"
        if name == "ts_ms":
            remedy += ", in epoch milliseconds UTC"
        elif name in ("symbol", "timeframe"):
            remedy += f", or say --{name}"
        problems.append(Problem(f"{file} column {name}", f"no such column among {', '.join(columns)}", remedy))
    raise InvalidInput(problems)


def _typed(
    file: Path, table: pl.DataFrame, wanted: Mapping[str, type[pl.DataType]]
) -> tuple[pl.DataFrame, list[Problem]]:
    problems: list[Problem] = []
    columns: list[pl.Series] = []
    for name, kind in wanted.items():
        given = table[name]
        if name == "ts_ms" and given.dtype.is_temporal():
            given = given.cast(pl.Datetime("ms")).cast(pl.Int64) if given.dtype != pl.Time else given
        text = given.str.strip_chars() if given.dtype == pl.String else given
        cast = text.cast(kind, strict=False)
        wrong = cast.is_null()
        if kind == pl.Float64:
            wrong = wrong | ~cast.is_finite().fill_null(False)
        elif kind == pl.String:
            wrong = wrong | (cast == "")
        columns.append(cast.alias(name))
        if wrong.any():
            row = int(wrong.arg_true()[0])
            problems.append(_at(file, name, row, given[row], _EXPECTED.get(name, "a number"), int(wrong.sum())))
    return pl.DataFrame(columns), problems


_EXPECTED = {
    "symbol": "a symbol, as AAPL or BINANCE:BTCUSDT",
    "timeframe": f"one of {', '.join(TIMEFRAMES)}",
    "ts_ms": "a whole number: epoch milliseconds UTC",
    "trades": "a whole number, 0 or more",
}


def _wrong_times(file: Path, table: pl.DataFrame) -> list[Problem]:
    ts = table["ts_ms"]
    wrong = (ts < _FIRST_MS) | (ts >= _LAST_MS)
    if not wrong.any():
        return []
    row = int(wrong.arg_true()[0])
    value = int(ts[row])
    unit = next((u for u, f in (("seconds", 1000), ("microseconds", 0.001), ("nanoseconds", 1e-6))
                 if _FIRST_MS <= value * f < _LAST_MS), "")  # fmt: skip
    guess = f"epoch milliseconds UTC; these look like {unit}" if unit else "epoch milliseconds UTC of 1990 to 2049"
    return [_at(file, "ts_ms", row, value, guess, int(wrong.sum()))]


def _wrong_trades(file: Path, table: pl.DataFrame) -> list[Problem]:
    checks = (
        ("price", table["price"] <= 0, "a price above 0"),
        ("size", table["size"] < 0, "a size of 0 or more"),
    )
    return _failed(file, table, checks)


def _wrong_candles(file: Path, table: pl.DataFrame) -> list[Problem]:
    inside = pl.Series(table.select(pl.max_horizontal("open", "close"))).alias("most")
    least = pl.Series(table.select(pl.min_horizontal("open", "close"))).alias("least")
    checks = [
        ("timeframe", ~table["timeframe"].is_in(list(TIMEFRAMES)), _EXPECTED["timeframe"]),
        ("low", table["low"] <= 0, "a price above 0"),
        ("high", table["high"] < inside, "a high that open and close do not pass"),
        ("low", table["low"] > least, "a low that open and close do not pass"),
        ("volume", table["volume"] < 0, "a volume of 0 or more"),
    ]
    return _failed(file, table, checks)


_CHECKS = {"trades": _wrong_trades, "candles": _wrong_candles}


def _failed(file: Path, table: pl.DataFrame, checks: Sequence[tuple[str, pl.Series, str]]) -> list[Problem]:
    problems: list[Problem] = []
    for name, wrong, expected in checks:
        if wrong.any():
            row = int(wrong.arg_true()[0])
            problems.append(_at(file, name, row, table[name][row], expected, int(wrong.sum())))
    return problems


def _at(file: Path, column: str, row: int, found: object, expected: str, count: int) -> Problem:
    """Rows are counted from 1, after the line of names."""
    more = f" ({count:,} rows are so)" if count > 1 else ""
    shown = "nothing" if found is None or found == "" else repr(found)
    return Problem(f"{file} column {column}, row {row + 1}", f"{shown}{more}", expected)
