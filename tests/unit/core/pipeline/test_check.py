"""What can be wrong with a pipeline, and how it is said."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.errors import InvalidInput, Problem
from core.pipeline import PipelineConfig, check, parse_config, trigger_node, trigger_spec
from core.pipeline.check import check as check_config
from tests.unit.core.pipeline.pipeline_cases import (
    make_config,
    make_data,
    make_edges,
    make_nodes,
    with_node_config,
)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def without(number: int) -> PipelineConfig:
    """The chain with one node taken out and the gap closed."""
    nodes = make_nodes()
    del nodes[number - 1]
    left = [n for n in range(1, 8) if n != number]
    return make_config(nodes=nodes, edges=make_edges(*pairwise(left)))


def test_the_designs_example_is_a_valid_pipeline() -> None:
    assert check(make_config()) == []


def test_a_chain_that_ends_with_the_strategy_and_starts_at_the_open_is_valid() -> None:
    nodes = make_nodes()[:4]
    opening = {"type": "market_hours", "market": "US", "offset_minutes": 5}
    nodes[0] = {
        "id": "node-1",
        "agent_type": "time_trigger",
        "position": {"x": 100, "y": 100},
        "config": {"schedule": opening},
    }
    assert check(make_config(id="pipeline-uuid", nodes=nodes, edges=make_edges((1, 2), (2, 3), (3, 4)))) == []


def test_a_cycle_is_named_with_its_nodes() -> None:
    problem = only(check(make_config(edges=[*make_edges(), *make_edges((4, 2))])))
    assert problem.path == "edges"
    assert problem.found == "a cycle: node-2 → node-3 → node-4 → node-2"


def test_an_unknown_agent_is_named_with_the_nearest_known() -> None:
    nodes = make_nodes()
    nodes[2]["agent_type"] = "bais_agent"
    problems = {p.path: p.expected for p in check(make_config(nodes=nodes))}
    assert "did you mean 'bias_agent'?" in problems["nodes[2].agent_type"]


def test_an_unknown_indicator_of_the_market_data_agent_is_named() -> None:
    problem = only(check(with_node_config(2, timeframes=["1h", "4h", "1d", "5m"], indicators=["RSY"])))
    assert problem.path == "nodes[1].config.indicators[0]"
    assert "did you mean 'RSI'?" in problem.expected


@pytest.mark.parametrize("indicator", ["SMA", "MACD.line", "RSI@1h", "close", "SMA_1", "", "RSI 14"])
def test_a_market_data_agent_lists_indicators_without_output_and_timeframe(indicator: str) -> None:
    problem = only(check(with_node_config(2, timeframes=["1h", "4h", "1d", "5m"], indicators=[indicator])))
    assert problem.path == "nodes[1].config.indicators[0]"


def test_an_unknown_indicator_of_the_trigger_is_named_with_its_path() -> None:
    nodes = make_nodes()
    nodes[0] = {
        "id": "node-1",
        "agent_type": "technical_trigger",
        "config": {"conditions": [{"indicator": "FOO", "operator": ">", "value": 1}]},
    }
    assert only(check(make_config(nodes=nodes))).path == "nodes[0].config.conditions[0].indicator"


def test_a_missing_timeframe_says_where_to_add_it() -> None:
    problem = only(check(with_node_config(2, timeframes=["1h", "4h", "1d"])))
    assert problem.path == "nodes[1].config.timeframes"
    assert problem.expected == "strategy_agent node-4 needs 5m; add it to node-2.config.timeframes"


def test_a_node_that_never_runs_is_named() -> None:
    edges = [edge for edge in make_edges() if edge["to"] != "node-7"]
    problem = only(check(make_config(edges=edges)))
    assert problem.path == "nodes[6]"
    assert "never runs" in problem.found


def test_there_is_exactly_one_trigger() -> None:
    none = check(without(1))
    assert ("nodes", "no trigger") in {(p.path, p.found) for p in none}
    nodes = make_nodes()
    nodes.append({"id": "node-8", "agent_type": "news_trigger", "config": {}})
    two = {p.path: p.found for p in check(make_config(nodes=nodes))}
    assert two["nodes[7]"] == "a second trigger, news_trigger node-8"


@pytest.mark.parametrize(("number", "fields"), [(2, {"market_data"}), (3, {"bias"}), (4, {"strategy"}), (5, {"risk"})])
def test_an_input_that_nobody_makes_upstream_is_named(number: int, fields: set[str]) -> None:
    found = {word for p in check(without(number)) for word in p.found.split()}
    assert fields <= found


def test_an_input_made_on_another_branch_does_not_count() -> None:
    edges = make_edges((1, 2), (2, 3), (2, 4), (4, 5), (5, 6), (6, 7))
    problem = only(check(make_config(edges=edges)))
    assert problem.path == "nodes[3]"
    assert "without bias upstream" in problem.found


def test_branches_and_joins_are_allowed() -> None:
    edges = make_edges((1, 2), (2, 3), (3, 4), (2, 4), (4, 5), (5, 6), (6, 7), (3, 7))
    assert check(make_config(edges=edges)) == []


def test_edges_lead_to_nodes_that_exist_once_and_never_to_the_trigger() -> None:
    edges = [*make_edges(), *make_edges((3, 9), (2, 3), (3, 1))]
    found = {p.path for p in check(make_config(edges=edges))}
    assert {"edges[6].to", "edges[7]", "edges[8].to"} <= found


def test_a_node_id_stands_once() -> None:
    nodes = make_nodes()
    nodes[6]["id"] = "node-6"
    assert "nodes[6].id" in {p.path for p in check(make_config(nodes=nodes))}


def test_settings_out_of_bounds_are_named_with_their_path() -> None:
    problem = only(check(with_node_config(4, timeframe="5m", risk_reward_min=0.5)))
    assert problem.path == "nodes[3].config.risk_reward_min"
    assert problem.found == "0.5"


def test_an_unknown_setting_is_an_error() -> None:
    problem = only(check(with_node_config(7, colour="red")))
    assert (problem.path, problem.found) == ("nodes[6].config.colour", "an unknown key")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"symbol": None}, "symbol"),
        ({"symbols": ["MSFT"]}, "symbols"),
        ({"symbol": None, "symbols": ["MSFT", "MSFT"]}, "symbols[1]"),
    ],
)
def test_symbols_are_written_one_way_and_once(changes: dict[str, object], path: str) -> None:
    assert only(check(make_config(**changes))).path == path


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": "My Pipeline"}, "id"),
        ({"id": "a_b"}, "id"),
        ({"symbol": "aapl"}, "symbol"),
        ({"primary_timeframe": "2m"}, "primary_timeframe"),
        ({"colour": "red"}, "colour"),
        ({"settings": {"overlap": "maybe"}}, "settings.overlap"),
        ({"settings": {"max_parallel": 11}}, "settings.max_parallel"),
        ({"edges": [{"from": "node-1"}]}, "edges[0].to"),
        ({"nodes": [{"id": "Node 1", "agent_type": "time_trigger"}]}, "nodes[0].id"),
        ({"nodes": {}}, "nodes"),
    ],
)
def test_a_wrong_shape_is_named_with_its_path(changes: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInput) as invalid:
        parse_config(make_data(**changes))
    assert [p.path for p in invalid.value.problems] == [path]


def test_all_problems_are_reported_together() -> None:
    nodes = make_nodes()
    nodes[0]["config"] = {"operator": "=>", "value": "190"}
    nodes[3]["config"] = {"timeframe": "15m"}
    paths = {p.path for p in check(make_config(nodes=nodes))}
    assert paths == {
        "nodes[0].config.operator",
        "nodes[1].config.timeframes",
    }


def test_the_trigger_becomes_a_spec_of_its_version() -> None:
    config = make_config(symbol=None, symbols=["AAPL", "MSFT"], primary_timeframe="15m")
    spec = trigger_spec(config, 4)
    assert (spec.trigger_id, spec.version) == ("b1f7c0de-0000-4000-8000-000000000001/node-1", 4)
    assert (spec.symbols, spec.timeframe) == (("AAPL", "MSFT"), "15m")
    assert trigger_node(config).id == "node-1"


def test_moving_a_node_and_a_new_name_keep_the_hash() -> None:
    nodes = make_nodes()
    nodes[0]["position"] = {"x": 7, "y": 7}
    moved = make_config(nodes=nodes, name="Other")
    assert trigger_spec(moved, 1).config_hash == trigger_spec(make_config(), 1).config_hash


def test_an_invalid_trigger_has_no_spec() -> None:
    with pytest.raises(InvalidInput, match=r"nodes\[0\]\.config\.value: found '190'"):
        trigger_spec(with_node_config(1, operator=">", value="190"), 1)
    with pytest.raises(InvalidInput, match="no trigger"):
        trigger_spec(without(1), 1)


def test_the_package_offers_the_same_check() -> None:
    assert check is check_config


def test_a_pipeline_survives_its_json() -> None:
    config = make_config()
    assert parse_config(config.to_json()) == config
    assert config.to_json()["edges"] == make_edges()
