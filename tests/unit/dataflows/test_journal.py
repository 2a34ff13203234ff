from __future__ import annotations

from pathlib import Path

import pytest

from dataflows.journal import Journal


def test_places_are_read_back_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "cluster-a")
    journal.add(3, before=100)
    journal.add(4, before=120)
    assert Journal(tmp_path / "journal", "cluster-a").read() == {3: 100, 4: 120}


def test_places_of_another_log_mean_nothing(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", "cluster-a").add(3, before=100)
    assert Journal(tmp_path / "journal", "cluster-b").read() == {}


def test_a_line_torn_by_a_crash_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "journal"
    Journal(path, "a").add(3, before=100)
    path.write_bytes(path.read_bytes() + b'{"cluster_id":"a","cont')
    assert Journal(path, "a").read() == {3: 100}
    assert "torn" in capsys.readouterr().out


def test_what_a_checkpoint_holds_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "a")
    for control in range(5):
        journal.add(control, before=10 * control)
    journal.trim(3)
    journal.add(5, before=50)
    assert Journal(tmp_path / "journal", "a").read() == {3: 30, 4: 40, 5: 50}


def test_a_control_that_takes_effect_again_at_its_place_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path, "a").add(3, before=100)
    size = path.stat().st_size
    again = Journal(path, "a")
    again.read()
    again.add(3, before=100)
    assert path.stat().st_size == size
