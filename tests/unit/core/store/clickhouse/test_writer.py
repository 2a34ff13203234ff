"""The batching writer against a ClickHouse that comes and goes; the thread is real, the table is a list."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from core.errors import Unavailable
from core.store.clickhouse.spill import Spill, make_batch
from core.store.clickhouse.writer import BatchWriter, Row
from tests.kit.waiting import wait_until

COLUMNS = ("symbol", "ts_ms", "values")


class FakeTable:
    """Drops a batch whose token it has seen, as the real one does. `answer_lost` stores and then fails."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.is_away = False
        self.answer_lost = False
        self.refuses: str = ""
        self._tokens: set[str] = set()
        self._lock = threading.Lock()

    def insert(self, _table: str, _names: Sequence[str], columns: Sequence[Sequence[object]], token: str) -> None:
        with self._lock:
            if self.is_away:
                raise Unavailable("ClickHouse is away")
            if self.refuses and self.refuses in columns[0]:
                raise DatabaseError("Code: 27. cannot parse")
            if token not in self._tokens:
                self._tokens.add(token)
                self.rows += list(zip(*columns, strict=True))
            if self.answer_lost:
                self.answer_lost = False
                raise Unavailable("the connection broke")


def rows(first: int, count: int) -> list[Row]:
    return [(f"S{n % 3}", n, {"SMA_20": n + 0.5, "RSI_14": float("nan")}) for n in range(first, first + count)]


def numbers(table: FakeTable) -> list[object]:
    return [row[1] for row in table.rows]


Make = Callable[..., BatchWriter]


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()


@pytest.fixture
def make(table: FakeTable, tmp_path: Path) -> Generator[Make]:
    made: list[BatchWriter] = []

    def writer(*, limit_bytes: int = 10**9, memory_rows: int = 1000, max_rows: int = 100) -> BatchWriter:
        spill = Spill(tmp_path / "spill", limit_bytes=limit_bytes)
        made.append(
            BatchWriter(
                table.insert, "candles", COLUMNS, spill, max_rows=max_rows, max_wait_ms=20, memory_rows=memory_rows
            ).start()
        )
        return made[-1]

    yield writer
    for one in made:
        one.close()


def files(folder: Path) -> int:
    return len(list((folder / "spill").glob("*.batch")))


def test_rows_are_written_in_order_once(table: FakeTable, make: Make) -> None:
    writer = make()
    for first in range(0, 1000, 10):
        writer.add(rows(first, 10))
    assert writer.flush(5)
    assert numbers(table) == list(range(1000))
    assert writer.state().written == 1000


def test_a_batch_whose_answer_was_lost_is_sent_again_and_counted_once(table: FakeTable, make: Make) -> None:
    table.answer_lost = True
    writer = make()
    writer.add(rows(0, 10))
    assert writer.flush(5)
    assert numbers(table) == list(range(10))


def test_while_clickhouse_is_away_rows_go_to_disk_and_are_written_when_it_is_back(
    table: FakeTable, make: Make, tmp_path: Path
) -> None:
    table.is_away = True
    writer = make(memory_rows=200)
    for first in range(0, 2000, 100):
        writer.add(rows(first, 100))
    wait_until(lambda: files(tmp_path) >= 10, timeout_s=10, what="batches on disk")
    wait_until(lambda: writer.state().is_away, timeout_s=5, what="the writer to say so")
    table.is_away = False
    assert writer.flush(20)
    assert numbers(table) == list(range(2000))
    assert files(tmp_path) == 0
    assert not writer.state().is_away


def test_what_is_persisted_outlives_the_process_and_comes_first_in_the_next(
    table: FakeTable, make: Make, tmp_path: Path
) -> None:
    table.is_away = True
    writer = make()
    writer.add(rows(0, 250))
    writer.persist()
    persisted = files(tmp_path)
    assert persisted == 3
    writer.persist()
    assert files(tmp_path) == persisted, "what is on disk already is not put there again"
    # The first writer is gone as after a kill; its batches may even have reached ClickHouse without its knowing.
    writer.close()
    table.is_away = False
    later = make()
    later.add(rows(250, 10))
    assert later.flush(10)
    assert numbers(table) == list(range(260))
    assert files(tmp_path) == 0


def test_closing_leaves_what_is_not_sent_on_disk(table: FakeTable, make: Make, tmp_path: Path) -> None:
    table.is_away = True
    writer = make()
    writer.add(rows(0, 5))
    writer.close()
    assert files(tmp_path) == 1
    table.is_away = False
    assert make().flush(10)
    assert numbers(table) == list(range(5))


def test_a_batch_that_clickhouse_refuses_is_set_aside_and_holds_nothing_up(
    table: FakeTable, make: Make, tmp_path: Path
) -> None:
    table.refuses = "bad"
    writer = make()
    writer.add([("bad", 0, {})])
    writer.persist()
    writer.add(rows(1, 5))
    wait_until(lambda: numbers(table) == [1, 2, 3, 4, 5], timeout_s=5, what="the rows after it")
    assert writer.state().refused == 1
    assert len(list((tmp_path / "spill" / "refused").iterdir())) == 1
    assert files(tmp_path) == 0


def bytes_in(spill: Path) -> int:
    """Return the size of the files there, while the writer goes on dropping the oldest."""
    found = 0
    for file in spill.glob("*.batch"):
        with contextlib.suppress(FileNotFoundError):
            found += file.stat().st_size
    return found


def test_disk_for_what_waits_is_bounded_and_what_is_dropped_is_counted(
    table: FakeTable, make: Make, tmp_path: Path
) -> None:
    table.is_away = True
    writer = make(limit_bytes=20_000, memory_rows=0)
    for first in range(0, 5000, 100):
        writer.add(rows(first, 100))
    wait_until(lambda: writer.state().dropped > 0, timeout_s=10, what="the oldest to be dropped")
    assert bytes_in(tmp_path / "spill") < 40_000
    table.is_away = False
    assert writer.flush(20)
    state = writer.state()
    assert state.written + state.dropped == 5000
    assert numbers(table)[-1] == 4999


def test_a_disk_that_takes_nothing_is_told_to_who_wants_to_forget(table: FakeTable, make: Make, tmp_path: Path) -> None:
    table.is_away = True
    (tmp_path / "spill").write_text("a file where the folder should be")
    writer = make()
    writer.add(rows(0, 5))
    with pytest.raises(OSError, match="exists"):
        writer.persist()
    table.is_away = False
    assert writer.flush(10)
    assert numbers(table) == list(range(5))


def test_equal_rows_have_equal_tokens_also_after_the_disk(tmp_path: Path) -> None:
    spill = Spill(tmp_path, limit_bytes=10**6)
    batch = make_batch(COLUMNS, rows(0, 7))
    name = spill.write(batch)
    again = Spill(tmp_path, limit_bytes=10**6)
    assert [(f.name, f.rows) for f in again.files()] == [(name, 7)]
    found = again.read(name)
    assert found is not None
    assert found.token == batch.token
    assert make_batch(COLUMNS, rows(0, 8)).token != batch.token


def test_a_damaged_file_is_set_aside(table: FakeTable, make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    folder.mkdir()
    (folder / "00000000000000000001-00000000-9.batch").write_bytes(b"\xc1 no batch")
    writer = make()
    writer.add(rows(0, 3))
    assert writer.flush(10)
    assert numbers(table) == [0, 1, 2]
    assert writer.state().refused == 9
