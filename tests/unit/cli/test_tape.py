"""Recorded trades of many files are one tape, in order of time."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cli.tape import read_tape
from core.errors import InvalidInput
from engine.trades import ALL_FLAGS


def _file(path: Path, rows: list[tuple[int, float]], symbol: str = "A") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(
        {"symbol": [symbol] * len(rows), "ts_ms": [r[0] for r in rows], "price": [r[1] for r in rows], "size": 1.0},
        schema={"symbol": pl.String, "ts_ms": pl.Int64, "price": pl.Float64, "size": pl.Float64},
    )
    if path.suffix == ".csv":
        table.with_columns(venue=pl.lit("x")).write_csv(path)
    else:
        table.write_parquet(path)
    return path


def _prices(*paths: Path) -> list[float]:
    return read_tape(paths)["price"].to_list()


def _said(*paths: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_tape(paths)
    return str(caught.value)


def test_files_are_played_in_order_of_time_whatever_order_they_are_named_in(tmp_path: Path) -> None:
    early = _file(tmp_path / "z.parquet", [(1, 1.0), (2, 2.0)])
    late = _file(tmp_path / "a.csv", [(3, 3.0), (4, 4.0)])
    assert _prices(late, early) == _prices(early, late) == [1.0, 2.0, 3.0, 4.0]


def test_files_that_overlap_are_merged_and_the_one_named_first_goes_first_at_the_same_time(tmp_path: Path) -> None:
    first = _file(tmp_path / "first.parquet", [(5, 1.0), (7, 2.0)], "A")
    second = _file(tmp_path / "second.parquet", [(3, 3.0), (7, 4.0), (9, 5.0)], "B")
    assert _prices(first, second) == [3.0, 1.0, 2.0, 4.0, 5.0]
    assert _prices(second, first) == [3.0, 1.0, 4.0, 2.0, 5.0]


def test_a_file_keeps_its_own_order_a_trade_out_of_order_stays_behind_the_one_it_followed(tmp_path: Path) -> None:
    ragged = _file(tmp_path / "a.parquet", [(10, 1.0), (4, 2.0), (20, 3.0)])
    other = _file(tmp_path / "b.parquet", [(5, 4.0), (15, 5.0)])
    assert _prices(ragged, other) == [4.0, 1.0, 2.0, 5.0, 3.0]


def test_a_time_that_is_none_moves_no_other_trade(tmp_path: Path) -> None:
    broken = _file(tmp_path / "a.parquet", [(10, 1.0), (2**62, 2.0), (-5, 3.0), (30, 4.0)])
    other = _file(tmp_path / "b.parquet", [(20, 5.0)])
    assert _prices(broken, other) == [1.0, 2.0, 3.0, 5.0, 4.0]


def test_a_folder_is_all_its_parquet_and_csv_files_and_each_file_is_read_once(tmp_path: Path) -> None:
    inner = _file(tmp_path / "tape" / "2025" / "a.parquet", [(1, 1.0)])
    _file(tmp_path / "tape" / "b.csv", [(2, 2.0)])
    _file(tmp_path / "tape" / ".hidden" / "c.parquet", [(3, 3.0)])
    (tmp_path / "tape" / "notes.txt").write_text("no trades")
    assert _prices(tmp_path / "tape") == _prices(tmp_path / "tape", inner) == [1.0, 2.0]


def test_a_folder_without_trades_is_said(tmp_path: Path) -> None:
    assert "a folder without trades" in _said(tmp_path)


def test_every_problem_of_every_file_comes_in_one_error(tmp_path: Path) -> None:
    (tmp_path / "empty.parquet").touch()
    (tmp_path / "text.parquet").write_text("symbol,ts_ms")
    pl.DataFrame({"symbol": ["A"], "ts_ms": [1], "price": ["dear"], "size": [1.0]}).write_csv(tmp_path / "word.csv")
    pl.DataFrame({"symbol": ["A"], "ts_ms": [1]}).write_csv(tmp_path / "short.csv")
    said = _said(*(tmp_path / n for n in ("empty.parquet", "text.parquet", "word.csv", "short.csv", "none.csv")))
    assert "empty.parquet: found an empty file; a Parquet file with the columns symbol, ts_ms, price, size" in said
    assert "text.parquet: found" in said
    assert "`dear`" in said
    assert "short.csv: found columns symbol, ts_ms; price, size as well" in said
    assert "none.csv: found no file" in said


def test_columns_of_another_kind_are_refused_not_read_as_something_else(tmp_path: Path) -> None:
    table = pl.DataFrame({"symbol": [1], "ts_ms": [1], "price": ["1.5"], "size": [1.0]})
    table.with_columns(pl.col("ts_ms").cast(pl.Datetime("us"))).write_parquet(tmp_path / "a.parquet")
    said = _said(tmp_path / "a.parquet")
    assert "a.parquet ts_ms: found Datetime" in said
    assert "whole numbers: epoch milliseconds UTC" in said
    assert "a.parquet price: found String; numbers" in said
    assert "a.parquet symbol: found Int64; text" in said


def test_flags_and_codes_of_a_recorded_stream_are_read_and_of_another_tape_every_trade_counts(tmp_path: Path) -> None:
    plain = _file(tmp_path / "plain.parquet", [(1, 1.0)])
    told = tmp_path / "told.csv"
    pl.read_parquet(plain).with_columns(flags=pl.lit(4), codes=pl.lit(2**63, pl.UInt64)).write_csv(told)
    assert read_tape([plain, told]).select("flags", "codes").rows() == [(ALL_FLAGS, 0), (4, 2**63)]
