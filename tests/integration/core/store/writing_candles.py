"""`python -m … SPILL SAFE`: writes candles for ever, says in SAFE up to which they are safe, and starts after that."""

from __future__ import annotations

import sys
from pathlib import Path

from core import settings
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.spill import Spill
from core.store.clickhouse.writer import BatchWriter
from dataflows.candle_rows import COLUMNS, candle_rows
from engine.firing import ClosedCandle


def candle(n: int) -> ClosedCandle:
    return ClosedCandle(
        symbol="A", session="regular", timeframe="1m", ts_ms=n * 60_000, end_ms=(n + 1) * 60_000, open=1.0, high=1.0,
        low=1.0, close=float(n), volume=1.0, vwap=1.0, trades=1, partial=False, source="stream", values={"SMA_20": 1.0},
    )  # fmt: skip


def main(spill: Path, said: Path) -> None:
    clickhouse = ClickHouse(settings.load())
    writer = BatchWriter(
        lambda table, names, columns, token: clickhouse.insert(table, names, columns, by_column=True, token=token),
        "candles", COLUMNS, Spill(spill, limit_bytes=10**9), max_rows=37, max_wait_ms=5, memory_rows=100,
    ).start()  # fmt: skip
    lines = said.read_text().split("\n")[:-1] if said.exists() else []
    n = int(lines[-1]) if lines else 0
    with said.open("a") as file:
        if said.stat().st_size and not said.read_text().endswith("\n"):
            file.write("\n")
        while True:
            writer.add(candle_rows([candle(number) for number in range(n + 1, n + 60)], "simulator"))
            n += 59
            writer.persist()
            file.write(f"{n}\n")
            file.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
