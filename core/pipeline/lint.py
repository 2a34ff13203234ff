"""Remarks on a valid pipeline: it is saved all the same, and they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from core.catalog import AGENTS
from core.errors import Problem
from core.pipeline.check import trigger_node, trigger_spec
from core.pipeline.config import PipelineConfig
from core.pipeline.graph import Graph
from engine.condition import SpecificTime, TriggerSpec
from engine.lint import FeedData
from engine.lint import lint as lint_trigger
from engine.schedule import next_after


def lint(config: PipelineConfig, *, now_ms: int | None = None, feed: FeedData | None = None) -> list[Problem]:
    """Return remarks on a pipeline that `check` has passed.

    Args:
        now_ms: Moment to judge dates by; None leaves such remarks out.
        feed: What the feed carries; None is what most do: a part of the volume, and news.
    """
    spec = trigger_spec(config, 1)
    index = config.nodes.index(trigger_node(config))
    at = f"nodes[{index}].config"
    remarks = [
        Problem(f"{at}.{remark.path}" if remark.path else at, "a warning", remark.text)
        for remark in lint_trigger(spec, feed=feed or FeedData())
    ]
    if now_ms is not None and not any("never fires" in remark.expected for remark in remarks):
        remarks += [Problem(f"{at}.{path}", "a warning", text) for path, text in _life_remarks(spec, now_ms)]
    return [*remarks, *_graph_remarks(config), *_settings_remarks(config)]


def _life_remarks(spec: TriggerSpec, now_ms: int) -> Iterator[tuple[str, str]]:
    """Yield what is over already, or will be before anything is due."""
    until_ms = spec.valid_until_ms
    if until_ms is not None and until_ms <= now_ms:
        yield "valid_until", "it is over: the trigger is expired"
        return
    if spec.schedule is None:
        return
    when = spec.schedule.when
    due_ms = next_after(when, max(now_ms, (spec.valid_from_ms or 0) - 1))
    if due_ms is None and isinstance(when, SpecificTime) and when.date:
        yield "schedule.date", "the date is over: it never fires"
    elif due_ms is None or (until_ms is not None and due_ms >= until_ms):
        yield "schedule", "it is not due again before the trigger's end: it never fires"


def _graph_remarks(config: PipelineConfig) -> Iterator[Problem]:
    graph = Graph(config)
    for (_, first), (j, second) in combinations(enumerate(config.nodes), 2):
        both = set(AGENTS[first.agent_type].produces) & set(AGENTS[second.agent_type].produces)
        for field in sorted(both):
            yield Problem(
                f"nodes[{j}]",
                "a warning",
                f"{first.id} makes {field} too: later steps see that of the one that ended last"
                if second.id not in graph.descendants(first.id) and first.id not in graph.descendants(second.id)
                else f"it replaces the {field} of the other, {first.id}",
            )


def _settings_remarks(config: PipelineConfig) -> Iterator[Problem]:
    if config.settings.overlap != "parallel" and config.settings.max_parallel > 1:
        yield Problem("settings.max_parallel", "a warning", 'it counts with "overlap": "parallel" only')
