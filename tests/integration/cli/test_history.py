"""`tapewatch history` against ClickHouse: files come in once, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from cli.history import app
from core.clock import SystemClock
from core.errors import InvalidInput, Unavailable
from core.settings import Settings
from core.store.clickhouse import candles, imports
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.coverage import Run
from core.wire.kafka import ensure_topics
from core.wire.topics import partition_of
from core.wire.trades import TradeFrame, decode
from dataflows.candle_rows import COLUMNS
from dataflows.history_import import Importer, Reading
from tests.kit.data import data_file
from tests.kit.log import put_tape
from tests.kit.processes import running
from tests.kit.stack import variables_of
from tests.kit.tape import SYMBOLS, TapeRecord, make_tape
from tests.kit.waiting import wait_until

NOON_MS = 1_795_435_200_000


class Count(msgspec.Struct):
    n: int


@pytest.fixture
def configured(migrated: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in variables_of(migrated).items():
        monkeypatch.setenv(name, value)
    return migrated


def run(*arguments: str | Path, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.output


def status(*arguments: str) -> list[Run]:
    return msgspec.convert(json.loads(run("status", "--json", *arguments))["candles"], list[Run])


def count(settings: Settings, table: str = "candles FINAL") -> int:
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows(f"SELECT toInt64(count()) AS n FROM {table}", {}, Count)[0].n


def minutes(
    file: Path, n: int, *, symbol: str = "BINANCE:BTCUSDT", close: float = 2.0, first_ms: int = NOON_MS
) -> Path:
    pl.DataFrame({"ts_ms": pl.int_range(n, eager=True) * 60_000 + first_ms}).with_columns(
        symbol=pl.lit(symbol), timeframe=pl.lit("1m"), open=pl.lit(1.0), high=pl.lit(9.0), low=pl.lit(0.5),
        close=pl.lit(close), volume=(pl.col("ts_ms") % 1000).cast(pl.Float64),
    ).write_parquet(file)  # fmt: skip
    return file


def test_daily_candles_of_decades_come_in_and_the_second_time_nothing_changes(configured: Settings) -> None:
    file = data_file("candles/us_equities_1d.parquet")
    given = pl.read_parquet(file)
    said = run("import", file, "--source", "recorded")
    stored = count(configured)
    assert f"{stored:,} candles written" in said
    assert stored > 0.99 * len(given)
    assert "was there already" in run("import", file, "--source", "recorded")
    run("import", file, "--source", "recorded", "--again")
    assert count(configured) == stored
    lines = status("--timeframe", "1d", "--symbol", "AAPL")
    assert [(line.source, line.feed, line.next_source) for line in lines] == [("recorded", configured.feed_name, "")]
    assert lines[0].candles == given.filter(pl.col("symbol") == "AAPL").height
    with contextlib.closing(ClickHouse(configured)) as clickhouse:
        newest = candles.latest(clickhouse, "AAPL", "1d", limit=1)[0]
    last = given.filter(pl.col("symbol") == "AAPL").sort("ts_ms").row(-1, named=True)
    assert (newest.close, newest.volume, newest.seam_ms) == (last["close"], last["volume"], newest.end_ms)


def test_trades_become_the_candles_that_a_replay_makes(configured: Settings, tmp_path: Path) -> None:
    tape = data_file("trades/us_equities_20131007.parquet")
    run("import", tape, "--feed", "recorded", "--source", "day")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "one.json").write_text((Path(__file__).parents[3] / "examples/btc-breakout.json").read_text())
    with running(
        configured,
        ["cli.main", "replay", str(tape), "--pipelines", str(tmp_path / "p"), "--out", str(tmp_path / "out")],
        tmp_path / "replay.log",
    ) as process:
        wait_until(lambda: process.exit_code is not None, timeout_s=90, what="the replay")
        assert process.exit_code == 0, process.output
    wanted = pl.read_parquet(tmp_path / "out" / "candles.parquet")
    assert len(wanted) > 500
    columns = ("open", "high", "low", "close", "volume", "vwap", "trades")
    with contextlib.closing(ClickHouse(configured)) as clickhouse:
        for (symbol, timeframe), part in wanted.group_by("symbol", "timeframe"):
            found = candles.latest(clickhouse, str(symbol), str(timeframe), limit=5000, feed="recorded")  # pyright: ignore[reportArgumentType]
            assert [c.ts_ms for c in found] == part["ts_ms"].to_list()
            for name in columns:
                assert [getattr(c, name) for c in found] == part[name].to_list(), (symbol, timeframe, name)
    assert not any(line.partial for line in status("--feed", "recorded"))


def test_what_had_begun_before_the_tape_is_not_passed_off_as_whole(configured: Settings) -> None:
    run("import", data_file("trades/crypto_binance_spot_20240808.parquet"))
    assert sum(line.partial for line in status("--symbol", "BINANCE:BTCUSDT")) > 0


def test_trades_are_kept_where_that_is_asked_for_and_once(configured: Settings) -> None:
    file = data_file("trades/crypto_binance_usdm_20240808.parquet")
    run("import", file, "--keep-trades", "--source", "tape")
    given = pl.read_parquet(file)
    assert count(configured, "trades_tape FINAL") == len(given)
    run("import", file, "--keep-trades", "--source", "tape", "--again")
    assert count(configured, "trades_tape FINAL") == len(given)
    with contextlib.closing(ClickHouse(configured)) as clickhouse:
        [sums] = clickhouse.table("SELECT sum(price * size) AS turnover, max(nth) AS most FROM trades_tape FINAL")
    assert sums["turnover"] == pytest.approx((given["price"] * given["size"]).sum(), rel=1e-12)
    assert sums["most"] == given.group_by("symbol", "ts_ms").len()["len"].max() - 1  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def test_a_killed_import_goes_on_and_no_candle_is_there_twice(configured: Settings, tmp_path: Path) -> None:
    file = minutes(tmp_path / "year.parquet", 600_000)
    with running(configured, ["cli.main", "history", "import", str(file)], tmp_path / "import.log") as process:
        wait_until(lambda: count(configured, "history_imports") > 0 or process.exit_code is not None, timeout_s=60,
                   what="a first piece", every_s=0.05)  # fmt: skip
        process.kill()
    written = count(configured)
    assert 0 < written < 600_000
    assert "600,000 candles; import it again to go on" in " ".join(run("status").split())
    said = run("import", file)
    assert ", 600,000 were there" not in said
    assert "were there" in said, "it does not begin anew"
    assert count(configured) == 600_000
    with contextlib.closing(ClickHouse(configured)) as clickhouse:
        assert imports.unfinished(clickhouse) == []
        volume = clickhouse.rows("SELECT toInt64(sum(volume)) AS n FROM candles FINAL", {}, Count)[0].n
    assert volume == int(pl.read_parquet(file)["volume"].sum())


def test_what_was_seen_live_stays_and_of_two_histories_the_last(configured: Settings, tmp_path: Path) -> None:
    symbol, feed = "BINANCE:BTCUSDT", configured.feed_name
    live = (symbol, "regular", "1m", feed, NOON_MS + 120_000, NOON_MS + 180_000, 7.0, 7.0, 7.0, 7.0, 1.0, 7.0, 1, False,
            "stream", 0, {"SMA_20": 7.0}, 2)  # fmt: skip
    with contextlib.closing(ClickHouse(configured)) as clickhouse:
        clickhouse.insert("candles", COLUMNS, [live], by_column=False, token="live")
        run("import", minutes(tmp_path / "old.parquet", 3, close=3.0), "--source", "old")
        run("import", minutes(tmp_path / "new.parquet", 2, close=4.0), "--source", "new")
        assert [c.close for c in candles.latest(clickhouse, symbol, "1m")] == [4.0, 4.0, 7.0]
        run("import", tmp_path / "old.parquet", "--source", "old", "--again")
        assert [c.close for c in candles.latest(clickhouse, symbol, "1m")] == [3.0, 3.0, 7.0]
    [history, stream] = status()
    assert (history.source, history.candles, history.end_ms, history.next_source) == (
        "old",
        2,
        NOON_MS + 120_000,
        "stream",
    )
    assert (stream.source, stream.candles, stream.seam_ms) == ("stream", 1, 0)
    assert "stream from 2026-11-23 12:02" in run("status")


def test_a_bad_file_is_named_and_the_others_come_in(configured: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    minutes(folder / "a.parquet", 3)
    (folder / "b.csv").write_text("symbol,timeframe,ts_ms,open,high,low,close,volume\nA,1m,1795435200,1,1,1,1,1\n")
    (folder / "c.csv").write_text(f"ts_ms,price,size\n{NOON_MS},1,1\n")
    with pytest.raises(InvalidInput) as caught:
        run("import", folder)
    assert "b.csv column ts_ms, row 1: found 1795435200" in str(caught.value)
    assert "c.csv column symbol: found no such column" in str(caught.value)
    assert count(configured) == 3
    with pytest.raises(InvalidInput, match=r"b\.csv"):
        run("import", folder, "--check")


def test_nothing_of_the_session_asked_for_is_said(configured: Settings, tmp_path: Path) -> None:
    file = minutes(tmp_path / "night.parquet", 3, symbol="SPY", first_ms=NOON_MS)
    with pytest.raises(InvalidInput, match="3 outside the sessions of XNYS"):
        run("import", file)
    assert "3 candles" in run("import", file, "--session", "extended")


def test_without_clickhouse_it_says_what_to_start(
    configured: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPEWATCH_CLICKHOUSE_URL", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="tapewatch up"):
        run("import", minutes(tmp_path / "a.parquet", 3))


def test_a_clickhouse_that_comes_and_goes_costs_no_candle(configured: Settings, tmp_path: Path) -> None:
    class Flaky(ClickHouse):
        """Fails every other insert, half of them after the rows are there."""

        calls = 0

        def insert_frame(self, table: str, frame: pl.DataFrame, *, token: str) -> None:
            self.calls += 1
            if self.calls % 4 == 1:
                raise Unavailable("away")
            super().insert_frame(table, frame, token=token)
            if self.calls % 4 == 3:
                raise Unavailable("the answer was lost")

    with contextlib.closing(Flaky(configured)) as clickhouse:
        importer = Importer(
            clickhouse, configured, SystemClock(), reading=Reading(feed="f", source="s"), piece_rows=1000
        )  # fmt: skip
        done = importer.run(minutes(tmp_path / "a.parquet", 3500))
    assert (done.written, done.candles) == (3500, 3500)
    assert count(configured) == count(configured, "candles") == 3500


def test_the_history_answers_in_sql_and_may_only_be_read(configured: Settings, tmp_path: Path) -> None:
    run("import", minutes(tmp_path / "a.parquet", 3), "--source", "mine")
    query = "SELECT symbol, count() AS n FROM candles FINAL GROUP BY symbol;"
    assert run("sql", query, "--format", "CSVWithNames") == '"symbol","n"\n"BINANCE:BTCUSDT",3\n'
    (tmp_path / "q.sql").write_text("SELECT 'ü' AS letter -- one\n")
    assert "ü" in run("sql", "--file", tmp_path / "q.sql")
    for refused in ("DROP TABLE candles", "TRUNCATE TABLE candles", "INSERT INTO candles (symbol) VALUES ('X')"):
        with pytest.raises(InvalidInput):
            run("sql", refused)
    with pytest.raises(InvalidInput, match="no_such_column"):
        run("sql", "SELECT no_such_column FROM candles")
    assert count(configured) == 3


def rows_of(record: TapeRecord) -> list[tuple[str, int, float]]:
    frame = decode(record.value)
    if not isinstance(frame, TradeFrame):
        return []
    names = [frame.symbols[int(i)] for i in frame.symbol_index]
    return list(zip(names, map(int, frame.ts_ms), map(float, frame.price), strict=True))


def test_the_log_is_written_as_a_tape_in_its_own_order_and_what_nobody_can_read_is_left_out(
    configured: Settings, tmp_path: Path
) -> None:
    ensure_topics(configured)
    partitions = configured.trades_partitions
    tape = make_tape(seconds=20, partitions=partitions)
    put_tape(configured, [*tape[:100], TapeRecord(0, b"no record"), *tape[100:]])
    out = tmp_path / "seen.parquet"
    said = run("tape", out)
    written = pl.read_parquet(out)
    for partition in range(partitions):
        wanted = [row for r in tape if r.partition == partition for row in rows_of(r)]
        mine = [name for name in SYMBOLS if partition_of(name, partitions) == partition]
        assert written.filter(pl.col("symbol").is_in(mine)).select("symbol", "ts_ms", "price").rows() == wanted
    back_ms = written["ts_ms"].diff().drop_nulls().to_numpy().min()
    assert back_ms > -50, "the partitions are in one order of time, each frame in its own"
    assert said == f"{out}: {len(written):,} trades of {len(SYMBOLS)} symbols\n"
    run("tape", out, "--symbol", SYMBOLS[0])
    assert pl.read_parquet(out).rows() == written.filter(pl.col("symbol") == SYMBOLS[0]).rows()


def test_a_tape_that_cannot_be_written_is_named(configured: Settings, tmp_path: Path) -> None:
    ensure_topics(configured)
    put_tape(configured, make_tape(seconds=2, partitions=configured.trades_partitions))
    with pytest.raises(InvalidInput, match="a file that can be written"):
        run("tape", tmp_path / "no" / "folder.parquet")
