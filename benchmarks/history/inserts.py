"""Candles into ClickHouse: rows a second by each way they come, against an engine of its own in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from benchmarks.engine.result import Figure
from core.clock import SystemClock
from core.errors import Unavailable
from core.settings import Settings
from core.store.clickhouse import candles, coverage, schema
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.spill import Spill
from core.store.clickhouse.writer import BatchWriter
from dataflows.candle_rows import COLUMNS, candle_rows
from dataflows.history_import import Importer, Reading
from deploy.embedded.environment import settings_of
from deploy.embedded.readiness import http_answers
from engine.firing import ClosedCandle

_START_S = 60.0
_FIRST_MS = 1_577_836_800_000
_MINUTE_MS = 60_000
_NAMES = ("SMA_20", "EMA_20", "RSI_14", "ATR_14", "BBANDS_20_2.upper", "BBANDS_20_2.lower")
_VALUES: dict[str, float] = dict.fromkeys(_NAMES, 1.5)
_TARGET_IMPORT = 100_000.0


@dataclass(frozen=True, slots=True)
class Size:
    """Candles of the import, and candles through the flow's writer."""

    imported: int
    written: int


FULL, QUICK = Size(1_000_000, 300_000), Size(150_000, 50_000)


class _Sums(msgspec.Struct):
    rows: int
    volume: float


def figures(size: Size) -> Generator[Figure]:
    """Measure and check.

    Raises:
        AssertionError: what lies in the engine is not what was sent.
    """
    folder = Path(tempfile.mkdtemp(prefix="tapewatch-bench-history-"))
    try:
        with _engine(folder) as configured, contextlib.closing(ClickHouse(configured, timeout_s=120)) as clickhouse:
            schema.create(clickhouse)
            yield from _imported(clickhouse, configured, folder, size.imported)
            yield from _written(clickhouse, folder, size.written)
            yield from _read(clickhouse)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _imported(clickhouse: ClickHouse, configured: Settings, folder: Path, rows: int) -> Generator[Figure]:
    """A Parquet file of minutes of one symbol, as `tapewatch history import` brings it in."""
    file = folder / "minutes.parquet"
    table = pl.DataFrame({"ts_ms": np.arange(rows) * _MINUTE_MS + _FIRST_MS}).with_columns(
        symbol=pl.lit("BENCH:IMPORT"), timeframe=pl.lit("1m"), open=pl.lit(1.0), high=pl.lit(3.0), low=pl.lit(0.5),
        close=pl.lit(2.0), volume=(pl.col("ts_ms") // _MINUTE_MS % 97).cast(pl.Float64),
    )  # fmt: skip
    table.write_parquet(file)
    importer = Importer(clickhouse, configured, SystemClock(), reading=Reading(feed="bench", source="bench"))
    took_s = _timed(lambda: importer.run(file))
    check(clickhouse, "BENCH:IMPORT", rows, float(table["volume"].sum()))
    yield Figure(
        "import of a Parquet file", rows / took_s, "candles/s", target=_TARGET_IMPORT, note=f"{rows:,} candles"
    )
    took_s = _timed(lambda: importer.run(file, again=True))
    check(clickhouse, "BENCH:IMPORT", rows, float(table["volume"].sum()))
    yield Figure("the same again, replacing every row", rows / took_s, "candles/s", note="no candle is there twice")


def _written(clickhouse: ClickHouse, folder: Path, rows: int) -> Generator[Figure]:
    """Closed candles with six indicator values, as the flow writes them: batches of 5,000, by a thread."""
    first_ms = SystemClock().now_ms() // _MINUTE_MS * _MINUTE_MS - rows * _MINUTE_MS
    made = [_candle(first_ms + n * _MINUTE_MS) for n in range(rows)]
    writer = BatchWriter(
        lambda table, names, columns, token: clickhouse.insert(table, names, columns, by_column=True, token=token),
        "candles", COLUMNS, Spill(folder / "spill", limit_bytes=10**9), memory_rows=rows,
    ).start()  # fmt: skip

    def run() -> None:
        for first in range(0, rows, 1_000):
            writer.add(candle_rows(made[first : first + 1_000], "bench"))
        assert writer.flush(300), "the writer did not finish"

    took_s = _timed(run)
    writer.close()
    check(clickhouse, "BENCH:FLOW", rows, float(rows))
    yield Figure(
        "candles with six values through the flow's writer", rows / took_s, "candles/s", note=f"{rows:,} candles"
    )


def _read(clickhouse: ClickHouse) -> Generator[Figure]:
    took_s = [
        _timed(lambda: candles.latest(clickhouse, "BENCH:FLOW", "1m", limit=300, feed="bench")) for _ in range(20)
    ]
    yield Figure("the last 300 candles of a symbol, median", 1e3 * sorted(took_s)[10], "ms", target=50, is_most=True)
    took = _timed(lambda: coverage.runs(clickhouse))
    yield Figure("what `history status` asks", 1e3 * took, "ms")


def _candle(start: int) -> ClosedCandle:
    return ClosedCandle(
        symbol="BENCH:FLOW", session="regular", timeframe="1m", ts_ms=start, end_ms=start + _MINUTE_MS, open=1.0,
        high=2.0, low=0.5, close=1.5, volume=1.0, vwap=1.25, trades=3, partial=False, source="stream", values=_VALUES,
    )  # fmt: skip


def check(clickhouse: ClickHouse, symbol: str, rows: int, volume: float) -> None:
    query = "SELECT toInt64(count()) AS rows, sum(volume) AS volume FROM candles FINAL WHERE symbol = {symbol:String}"
    [found] = clickhouse.rows(query, {"symbol": symbol}, _Sums)
    assert found == _Sums(rows, volume), f"{symbol}: {found} in the engine, {rows} candles of volume {volume} were sent"


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def _engine(folder: Path) -> Generator[Settings]:
    """Run the embedded engine on a free port while the block lasts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {
        "CLICKHOUSE_DATABASE": "bench",
        "CLICKHOUSE_URL": f"http://127.0.0.1:{port}",
        "CLICKHOUSE_PASSWORD": "bench",
        "DATA_DIR": str(folder),
    }
    variables = {f"TAPEWATCH_{name}": value for name, value in own.items()}
    command = [
        sys.executable,
        "-m",
        "deploy.embedded.clickhouse",
        "--path",
        str(folder / "engine"),
        "--port",
        str(port),
    ]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
    try:
        configured = settings_of(variables)
        _wait(configured, process)
        yield configured
    finally:
        process.terminate()
        process.wait(20)


def _wait(configured: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            http_answers(configured.clickhouse_url + "/ping")
        except Unavailable:
            assert process.poll() is None, "the engine ended at its start"
            assert time.monotonic() < deadline, "the engine does not answer"
            time.sleep(0.1)
        else:
            return
