"""Batches on disk: torn files, killed writers, disks that take no more."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import structlog.testing

from core.errors import Unavailable
from core.store.clickhouse.spill import Spill, make_batch
from core.store.clickhouse.writer import BatchWriter, Row
from tests.kit.waiting import wait_until

COLUMNS = ("symbol", "n", "values")
ROOT = Path(__file__).parents[5]


def rows(first: int, count: int) -> list[Row]:
    return [(f"S{n % 3}", n, {"SMA_20": n + 0.5}) for n in range(first, first + count)]


class Table:
    def __init__(self) -> None:
        self.numbers: list[object] = []
        self.names: list[Sequence[str]] = []
        self.is_away = False

    def insert(self, _table: str, names: Sequence[str], columns: Sequence[Sequence[object]], _token: str) -> None:
        if self.is_away:
            raise Unavailable("ClickHouse is away")
        self.names.append(names)
        self.numbers += columns[names.index("n")]


def drained(folder: Path, table: Table, *, columns: Sequence[str] = COLUMNS) -> BatchWriter:
    """Return a writer, closed, that has sent what lay in the folder."""
    writer = BatchWriter(table.insert, "t", columns, Spill(folder, limit_bytes=10**9)).start()
    assert writer.flush(10)
    writer.close()
    return writer


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_torn_file_is_set_aside_and_those_before_and_after_it_are_sent(tmp_path: Path, share: float) -> None:
    spill = Spill(tmp_path, limit_bytes=10**9)
    names = [spill.write(make_batch(COLUMNS, rows(first, 10))) for first in (0, 10, 20)]
    whole = (tmp_path / names[1]).read_bytes()
    (tmp_path / names[1]).write_bytes(whole[: int(share * len(whole))])
    table = Table()
    state = drained(tmp_path, table).state()
    assert table.numbers == [*range(10), *range(20, 30)]
    assert (state.refused, state.written, state.waiting) == (10, 20, 0)
    assert [path.name for path in (tmp_path / "refused").iterdir()] == [names[1]]


def test_what_a_killed_writer_had_half_written_is_cleared_away(tmp_path: Path) -> None:
    spill = Spill(tmp_path, limit_bytes=10**9)
    name = spill.write(make_batch(COLUMNS, rows(0, 10)))
    (tmp_path / f"{name}.new").write_bytes(b"half of a batch")
    table = Table()
    drained(tmp_path, table)
    assert table.numbers == list(range(10))
    assert list(tmp_path.iterdir()) == []


def test_batches_spilled_by_an_older_version_are_sent_with_the_columns_they_have(tmp_path: Path) -> None:
    Spill(tmp_path, limit_bytes=10**9).write(make_batch(("n", "symbol"), [(1, "A"), (2, "B")]))
    table = Table()
    assert drained(tmp_path, table).state().refused == 0
    assert (table.numbers, table.names) == ([1, 2], [("n", "symbol")])


def test_a_disk_that_takes_no_more_is_named_with_its_folder_and_loses_nothing_that_fits_in_memory(
    tmp_path: Path,
) -> None:
    table = Table()
    table.is_away = True
    folder = tmp_path / "spill"
    folder.write_text("no folder")  # stands for a full disk: writing fails
    with structlog.testing.capture_logs() as logs:
        writer = BatchWriter(
            table.insert,
            "candles",
            COLUMNS,
            Spill(folder, limit_bytes=10**9),
            max_rows=10,
            max_wait_ms=10,
            memory_rows=0,
        ).start()
        writer.add(rows(0, 10))
        wait_until(lambda: bool(writer.state().disk_problem), timeout_s=10, what="the problem of the disk")
    said = [log for log in logs if "the disk takes no history" in log["event"]]
    assert len(said) == 1, "it is said once, not at every try"
    assert (said[0]["folder"], said[0]["reason"]) == (str(folder), writer.state().disk_problem)
    folder.unlink()
    table.is_away = False
    writer.add(rows(10, 10))
    assert writer.flush(10)
    assert table.numbers[-1] == 19
    writer.persist()
    writer.close()


_WRITER_ON_A_SMALL_DISK = """
import resource, sys
from pathlib import Path
from core.store.clickhouse.spill import Spill, make_batch
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
spill = Spill(Path(sys.argv[1]), limit_bytes=10**9)
spill.write(make_batch(("symbol", "n", "values"), [("A", 0, {})]))
try:
    spill.write(make_batch(("symbol", "n", "values"), [("A", n, {}) for n in range(2000)]))
except OSError as error:
    print(error.strerror)
"""


def test_a_batch_that_ended_in_the_middle_for_want_of_room_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WRITER_ON_A_SMALL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.strip() == "File too large"
    assert [path.suffix for path in tmp_path.iterdir()] == [".batch"]
    table = Table()
    drained(tmp_path, table)
    assert table.numbers == [0]


def test_a_batch_dropped_while_it_was_sent_and_taken_after_all_is_counted_once(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_table: str, _names: Sequence[str], _columns: Sequence[Sequence[object]], _token: str) -> None:
        entered.set()
        leave.wait(10)

    writer = BatchWriter(slow, "t", COLUMNS, Spill(tmp_path, limit_bytes=1), max_rows=5, max_wait_ms=10).start()
    writer.add(rows(0, 5))
    assert entered.wait(10)
    writer.persist()
    assert writer.state().dropped == 5
    leave.set()
    wait_until(lambda: writer.state().written == 5, timeout_s=10, what="the batch")
    assert writer.state().dropped == 0
    writer.close()
