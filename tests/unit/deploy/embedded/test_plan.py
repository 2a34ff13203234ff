from __future__ import annotations

from pathlib import Path

from deploy.embedded import plan
from deploy.embedded.datadir import DataDir

PORTS = {"simulator": 1, "api": 2}


def test_each_process_of_ours_has_a_metrics_port_of_its_own(tmp_path: Path) -> None:
    made = plan.ours(DataDir(tmp_path), ports=PORTS, threads=4, metrics_port=9100)
    given = [spec.environment["TAPEWATCH_METRICS_PORT"] for spec in made]
    assert given == [str(9100 + n) for n in range(len(made))]


def test_without_a_metrics_port_nobody_is_given_one(tmp_path: Path) -> None:
    assert all(not spec.environment for spec in plan.ours(DataDir(tmp_path), ports=PORTS, threads=4))
