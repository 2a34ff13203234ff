"""`tapewatch bench history` measures on an engine of its own, and looks at what came of it."""

from __future__ import annotations

import pytest

from benchmarks.history import inserts
from benchmarks.history.inserts import Size
from core.settings import Settings
from core.store.clickhouse.client import ClickHouse


def test_every_figure_is_measured_and_what_was_sent_is_there() -> None:
    figures = list(inserts.figures(Size(imported=3_000, written=2_000)))
    assert [figure.unit for figure in figures] == ["candles/s", "candles/s", "candles/s", "ms", "ms"]
    assert all(figure.value > 0 for figure in figures)


def test_a_wrong_result_is_no_figure(migrated: Settings) -> None:
    clickhouse = ClickHouse(migrated)
    with pytest.raises(AssertionError, match="2 candles"):
        inserts.check(clickhouse, "BENCH:IMPORT", 2, 1.0)
    clickhouse.close()
