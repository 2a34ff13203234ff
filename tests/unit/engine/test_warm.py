from __future__ import annotations

from engine.warm import warm


def test_warming_up_runs_every_kernel_and_closes_candles() -> None:
    assert warm() > 0
