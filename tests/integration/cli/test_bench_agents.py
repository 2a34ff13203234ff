"""`tapewatch bench agents` sends whole chains through a worker of its own, and looks at how each ended."""

from __future__ import annotations

from benchmarks.agents import chains
from benchmarks.agents.chains import Load


def test_every_figure_is_measured_on_chains_that_went_all_the_way() -> None:
    figures = list(chains.figures(Load(alone=1, at_once=2, in_flight=2, rounds=1, delay_s=0.05)))
    assert [figure.unit for figure in figures] == ["s", "MB", "/s", "MB", "/s", ""]
    assert [figure.target for figure in figures if figure.target is not None] == [0.25, 0.9]
    assert all(figure.value > 0 for figure in figures if "add" not in figure.name)
