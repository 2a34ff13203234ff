"""The sample pipelines are valid, complete and keep their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.catalog import AGENTS
from core.pipeline import Graph, PipelineConfig, check, load_text, trigger_spec

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted(EXAMPLES.glob("*.json"))


def load(path: Path) -> PipelineConfig:
    return load_text(path.read_text(), name=path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    config = load(path)
    assert check(config) == []
    assert trigger_spec(config, 1).symbols == (config.symbol,)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_runs_the_whole_chain(path: Path) -> None:
    config = load(path)
    order = [config.node(node_id).agent_type for node_id in Graph(config).order()]
    assert order[1:] == [agent.agent_type for agent in AGENTS.values() if not agent.is_trigger]


def test_the_ids_are_fixed() -> None:
    assert {path.stem: load(path).id for path in FILES} == {
        "btc-breakout": "92700046-4b2f-5128-a834-002afd82ef2f",
        "eth-momentum": "32248805-7f0e-555f-9b2f-fdb7e44e1d34",
        "sol-every-minute": "5bf69276-5173-5dca-81b3-fbb3911d3db4",
    }


def test_there_is_one_of_each_kind_of_trigger_that_the_simulator_can_fire() -> None:
    assert [trigger_spec(load(path), 1).kind for path in FILES] == ["price", "technical", "time"]
