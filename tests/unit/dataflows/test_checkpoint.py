from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Unavailable
from dataflows.checkpoint import InvalidCheckpoint, PartitionFolder, PartitionState, load, save, set_aside
from dataflows.control import Known
from dataflows.outgoing import Outgoing


def state(**changed: object) -> PartitionState:
    fields: dict[str, object] = {
        "partition": 2, "partitions": 4, "cluster_id": "c-1", "trades_next": 17, "control_next": 3,
        "known": [Known("p-1", "p-1/node-1", 2, "hash")],
        "recent": [Outgoing("firings", b"p-1", b"{}", 5)],
        "is_delivered": True, "saved_at_ms": 9, "engine": b"\x00engine",
    }  # fmt: skip
    return PartitionState(**{**fields, **changed})  # pyright: ignore[reportArgumentType]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint", state())
    assert load(tmp_path / "checkpoint") == state()
    assert load(tmp_path / "none") is None


def test_a_save_replaces_the_one_before_and_leaves_nothing_beside(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint", state())
    save(tmp_path / "checkpoint", state(trades_next=18))
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]
    assert load(tmp_path / "checkpoint") == state(trades_next=18)


def test_a_save_that_was_cut_off_leaves_the_one_before(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint", state())
    (tmp_path / "checkpoint.new").write_bytes(b"TWCP\x01half")
    assert load(tmp_path / "checkpoint") == state()
    save(tmp_path / "checkpoint", state(trades_next=18))
    assert load(tmp_path / "checkpoint") == state(trades_next=18)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_a_damaged_byte_anywhere_is_noticed(tmp_path: Path, at: int, flip: int) -> None:
    path = tmp_path / "checkpoint"
    save(path, state())
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= flip
    path.write_bytes(data)
    with pytest.raises(InvalidCheckpoint):
        load(path)


def test_a_file_cut_short_is_noticed_and_can_be_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    save(path, state())
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InvalidCheckpoint, match="checksum"):
        load(path)
    assert set_aside(path).exists()
    assert load(path) is None


def test_a_partition_is_worked_on_by_one_process_only(tmp_path: Path) -> None:
    first, second = PartitionFolder(tmp_path, 1), PartitionFolder(tmp_path, 1)
    first.lock()
    with pytest.raises(Unavailable, match="another process works on partition 1"):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()
