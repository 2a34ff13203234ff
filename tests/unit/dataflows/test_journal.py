from __future__ import annotations

from pathlib import Path

import pytest

from dataflows.journal import Journal


def test_places_are_read_back_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "cluster-a")
    journal.add(("triggers", 3), before=100)
    journal.add(("triggers", 4), before=120)
    assert Journal(tmp_path / "journal", "cluster-a").read() == {("triggers", 3): 100, ("triggers", 4): 120}


def test_places_of_another_log_mean_nothing(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", "cluster-a").add(("triggers", 3), before=100)
    assert Journal(tmp_path / "journal", "cluster-b").read() == {}


def test_a_line_torn_by_a_crash_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "journal"
    Journal(path, "a").add(("triggers", 3), before=100)
    path.write_bytes(path.read_bytes() + b'{"cluster_id":"a","cont')
    assert Journal(path, "a").read() == {("triggers", 3): 100}
    assert "torn" in capsys.readouterr().out


def test_what_a_checkpoint_holds_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "a")
    for control in range(5):
        journal.add(("triggers", control), before=10 * control)
    journal.trim(control=3, news=None)
    journal.add(("triggers", 5), before=50)
    assert Journal(tmp_path / "journal", "a").read() == {("triggers", 3): 30, ("triggers", 4): 40, ("triggers", 5): 50}


def test_a_control_that_takes_effect_again_at_its_place_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal(path, "a").add(("triggers", 3), before=100)
    size = path.stat().st_size
    again = Journal(path, "a")
    again.read()
    again.add(("triggers", 3), before=100)
    assert path.stat().st_size == size


def test_controls_and_news_keep_the_order_in_which_they_took_effect(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "a")
    journal.add(("news", 7), before=10)
    journal.add(("triggers", 3), before=10)
    journal.add(("news", 8), before=10)
    journal.trim(control=0, news=8)
    assert list(Journal(tmp_path / "journal", "a").read()) == [("triggers", 3), ("news", 8)]
