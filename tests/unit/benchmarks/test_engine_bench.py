"""The engine's benchmark prints its figures, and would notice a wrong result."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import cast

import pytest

from benchmarks.engine import scenario
from benchmarks.engine.result import Figure, table
from benchmarks.engine.tape import make_tape

TINY = replace(scenario.QUICK, symbols=20, trades=4_000, triggers=(10, 100), peer_trades=200)


def test_every_figure_comes_with_a_value_and_all_peers_are_there() -> None:
    found = {figure.name: figure for figure in scenario.figures(TINY)}
    assert all(figure.value == figure.value for name, figure in found.items() if "plain C" not in name)
    assert "peers not installed" not in found
    assert found["ten indicators forming on every trade"].target == 10.0
    assert "met" in table([Figure("x", 3.0, "s", 3.0, is_most=True)])
    assert "MISSED" in table([Figure("x", 3.1, "s", 3.0, is_most=True)])


def test_the_same_seed_gives_the_same_tape() -> None:
    one, two = make_tape(symbols=3, trades=100), make_tape(symbols=3, trades=100)
    assert (one.price == two.price).all()
    assert (one.symbol == two.symbol).all()


def test_a_wrong_count_of_candles_is_noticed() -> None:
    with pytest.raises(AssertionError, match="polars finds"):
        scenario._check_candles(make_tape(symbols=3, trades=5_000), 1)  # pyright: ignore[reportPrivateUsage]


def test_the_command_says_what_it_can_measure() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "cli.main", "bench", "engine", "--help"], capture_output=True, text=True, check=True
    )
    assert "--quick" in found.stdout
    assert "--json" in found.stdout


def test_figures_are_plain_json() -> None:
    text = json.dumps([Figure("a", 1.5, "us", 2.0, is_most=True).plain()])
    assert cast("list[dict[str, object]]", json.loads(text))[0]["is_met"] is True
