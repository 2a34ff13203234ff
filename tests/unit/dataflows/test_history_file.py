"""Files of recorded candles and trades: what is wrong with one is said with column, row and remedy."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import InvalidInput
from dataflows.history_file import files_of, read

NOON_MS = 1_795_435_200_000
CANDLE = "symbol,timeframe,ts_ms,open,high,low,close,volume"


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "some.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def refusal(file: Path, **options: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(file, **options)
    return str(caught.value)


def test_candles_and_trades_are_told_by_their_columns_in_csv_and_parquet(tmp_path: Path) -> None:
    candles = read(csv(tmp_path, CANDLE, f"A,1m,{NOON_MS},1,3,1,2,10", f"A,1m,{NOON_MS + 60_000},2,2,2,2,0"))
    assert (candles.kind, candles.table["vwap"].to_list()) == ("candles", [2.0, 2.0])
    assert candles.table["trades"].to_list() == [0, 0]
    file = tmp_path / "tape.parquet"
    pl.DataFrame({"symbol": ["A"], "ts_ms": [NOON_MS], "price": [1], "size": [2]}).write_parquet(file)
    trades = read(file)
    assert (trades.kind, trades.table.row(0)) == ("trades", ("A", NOON_MS, 1.0, 2.0))


def test_a_time_column_of_parquet_may_be_a_timestamp(tmp_path: Path) -> None:
    file = tmp_path / "tape.parquet"
    table = pl.DataFrame({"symbol": ["A"], "ts_ms": [NOON_MS], "price": [1.5], "size": [2.0]})
    table.with_columns(pl.from_epoch("ts_ms", time_unit="ms")).write_parquet(file)
    assert read(file).table["ts_ms"].to_list() == [NOON_MS]


def test_symbol_and_timeframe_may_be_given_for_a_file_without_them(tmp_path: Path) -> None:
    file = csv(tmp_path, "ts_ms,open,high,low,close,volume", f"{NOON_MS},1,1,1,1,1")
    assert read(file, symbol="SPY", timeframe="1m").table.row(0)[:2] == ("SPY", "1m")
    said = refusal(file)
    assert "column symbol: found no such column" in said
    assert "or say --timeframe" in said


def test_a_missing_column_names_the_one_to_rename(tmp_path: Path) -> None:
    said = refusal(csv(tmp_path, "ticker,timestamp,price,qty", "A,1,2,3"))
    assert "column symbol" in said
    assert "rename 'ticker' to 'symbol'" in said
    assert "rename 'timestamp' to 'ts_ms', in epoch milliseconds UTC" in said
    assert "rename 'qty' to 'size'" in said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"A,1m,{NOON_MS // 1000},1,1,1,1,1", "these look like seconds"),
        (f"A,1m,{NOON_MS * 1000},1,1,1,1,1", "these look like microseconds"),
        ("A,1m,2026-11-23T12:00:00Z,1,1,1,1,1", "column ts_ms, row 2: found '2026-11-23T12:00:00Z'; a whole number"),
        (f"A,1m,{NOON_MS},1,1,1,abc,1", "column close, row 2: found 'abc'; a number"),
        (f"A,1m,{NOON_MS},1,1,1,nan,1", "column close, row 2: found 'nan'; a number"),
        (f"A,1m,{NOON_MS},1,1,1,,1", "column close, row 2: found nothing; a number"),
        (f",1m,{NOON_MS},1,1,1,1,1", "column symbol, row 2: found nothing; a symbol"),
        (f"A,2m,{NOON_MS},1,1,1,1,1", "column timeframe, row 2: found '2m'; one of 1m, 5m"),
        (f"A,1m,{NOON_MS},1,1,1,1.5,1", "column high, row 2: found 1.0; a high that open and close do not pass"),
        (f"A,1m,{NOON_MS},1,1,1,0.5,1", "column low, row 2: found 1.0; a low that"),
        (f"A,1m,{NOON_MS},1,1,-1,1,1", "column low, row 2: found -1.0; a price above 0"),
        (f"A,1m,{NOON_MS},1,1,1,1,-5", "column volume, row 2: found -5.0; a volume of 0 or more"),
    ],
)
def test_a_wrong_value_is_named_with_its_row_and_what_would_be_right(tmp_path: Path, row: str, said: str) -> None:
    assert said in refusal(csv(tmp_path, CANDLE, f"A,1m,{NOON_MS},1,1,1,1,1", row))


def test_impossible_trades_are_named(tmp_path: Path) -> None:
    said = refusal(
        csv(tmp_path, "symbol,ts_ms,price,size", f"A,{NOON_MS},0,1", f"A,{NOON_MS},0,1", f"A,{NOON_MS},1,-1")
    )
    assert "column price, row 1: found 0.0 (2 rows are so); a price above 0" in said
    assert "column size, row 3: found -1.0; a size of 0 or more" in said


def test_what_is_no_table_says_so(tmp_path: Path) -> None:
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and then nothing")
    assert "no readable parquet" in refusal(torn)
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert "an empty file" in refusal(empty)
    other = tmp_path / "notes.txt"
    other.touch()
    assert "a .parquet or .csv file" in refusal(other)
    assert "either symbol, ts_ms, price, size (trades)" in refusal(csv(tmp_path, "a,b", "1,2"))


def test_a_folder_gives_its_files_by_name_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    for name in ("b.csv", "a.parquet", "below/c.CSV", "readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in files_of(tmp_path)] == ["a.parquet", "b.csv", "c.CSV"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InvalidInput, match="a folder that holds some"):
        files_of(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="found nothing"):
        files_of(tmp_path / "absent")
