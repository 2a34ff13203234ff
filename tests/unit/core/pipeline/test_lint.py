"""Remarks on pipelines."""

from __future__ import annotations

from core.pipeline import lint
from engine.lint import FeedData
from tests.unit.core.pipeline.pipeline_cases import make_config, make_edges, make_nodes, with_node_config

NOW_MS = 1_741_613_400_000


def test_a_plain_pipeline_has_no_remarks() -> None:
    assert lint(make_config(), now_ms=NOW_MS) == []


def test_remarks_carry_the_path_of_the_field() -> None:
    (remark,) = lint(with_node_config(1, operand="close", operator=">", value=1.5))
    assert remark.path == "nodes[0].config.evaluate"
    assert "may repaint" in remark.expected
    (remark,) = lint(with_node_config(1, operator=">", value=0))
    assert (remark.path, remark.expected) == ("nodes[0].config", "can only be true")


def test_a_trigger_whose_time_is_over_is_said() -> None:
    config = with_node_config(1, operator=">", value=190, valid_until="2025-03-10T13:00:00Z")
    assert [r.path for r in lint(config, now_ms=NOW_MS)] == ["nodes[0].config.valid_until"]
    assert lint(config) == []
    nodes = make_nodes()
    schedule = {"type": "specific_time", "time": "09:00", "timezone": "UTC", "date": "2025-03-10"}
    nodes[0] = {"id": "node-1", "agent_type": "time_trigger", "config": {"schedule": schedule}}
    dated = make_config(nodes=nodes)
    assert [r.path for r in lint(dated, now_ms=NOW_MS)] == ["nodes[0].config.schedule.date"]


def test_a_schedule_that_ends_before_it_is_due_is_said() -> None:
    nodes = make_nodes()
    config = {"schedule": {"type": "market_hours"}, "valid_until": "2025-03-10T13:30:00Z"}
    nodes[0] = {"id": "node-1", "agent_type": "time_trigger", "config": config}
    ends_at_the_open = make_config(nodes=nodes)
    assert lint(ends_at_the_open, now_ms=NOW_MS - 86_400_000) != []
    (remark,) = lint(ends_at_the_open, now_ms=NOW_MS - 3_600_000)
    assert (remark.path, remark.expected[:20]) == ("nodes[0].config.schedule", "it is not due again ")


def test_a_feed_without_volume_is_said() -> None:
    config = with_node_config(1, operand="volume", operator=">", value=5, evaluate="candle_close")
    (remark,) = lint(config, feed=FeedData(has_volume=False))
    assert "does not carry" in remark.expected


def test_two_makers_of_one_output_are_said() -> None:
    nodes = make_nodes()
    nodes.append({"id": "node-8", "agent_type": "bias_agent", "config": {"analysis_timeframes": ["1h"]}})
    beside = make_config(nodes=nodes, edges=[*make_edges(), *make_edges((2, 8), (8, 4))])
    (remark,) = lint(beside)
    assert "node-3 makes bias too" in remark.expected
    behind = make_config(nodes=nodes, edges=[*make_edges(), *make_edges((3, 8))])
    assert "it replaces the bias" in lint(behind)[0].expected


def test_max_parallel_without_parallel_is_said() -> None:
    (remark,) = lint(make_config(settings={"max_parallel": 3}))
    assert remark.path == "settings.max_parallel"
