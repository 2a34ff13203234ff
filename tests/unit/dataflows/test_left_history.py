"""What a flow of another count of shards left on disk is sent by the one that follows it, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Unavailable
from core.store.clickhouse.spill import Spill, make_batch
from dataflows.left_history import HistoryFolder


def leave(root: Path, name: str, first: int) -> str:
    """Leave a batch in a shard's folder, and return its token."""
    batch = make_batch(("n",), [(first,), (first + 1,)])
    Spill(root / name, limit_bytes=10**9).write(batch)
    return batch.token


def tokens(folder: HistoryFolder) -> set[str]:
    spill = Spill(folder.path, limit_bytes=10**9)
    found = [spill.read(file.name) for file in spill.files()]
    return {batch.token for batch in found if batch is not None}


def test_batches_of_shards_of_another_count_are_taken_over_with_their_tokens(tmp_path: Path) -> None:
    left = {leave(tmp_path, "0-of-2", 0), leave(tmp_path, "1-of-2", 10), leave(tmp_path, "0-of-1", 20)}
    folder = HistoryFolder(tmp_path, "0-of-1")
    folder.lock()
    assert folder.take_over() == 2
    assert tokens(folder) == left
    assert folder.take_over() == 0
    folder.unlock()


def test_a_folder_whose_process_lives_is_left_alone(tmp_path: Path) -> None:
    token = leave(tmp_path, "1-of-2", 0)
    neighbour, folder = HistoryFolder(tmp_path, "1-of-2"), HistoryFolder(tmp_path, "0-of-2")
    neighbour.lock()
    folder.lock()
    assert folder.take_over() == 0
    neighbour.unlock()
    assert folder.take_over() == 1
    assert tokens(folder) == {token}
    folder.unlock()


def test_a_second_process_of_the_same_name_waits(tmp_path: Path) -> None:
    first, second = HistoryFolder(tmp_path, "0-of-1"), HistoryFolder(tmp_path, "0-of-1")
    first.lock()
    with pytest.raises(Unavailable, match="0-of-1"):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()
