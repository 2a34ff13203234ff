"""The one file that knows CrewAI's flows: a checked pipeline graph becomes a declared flow, and runs.

A declaration holds ids only. Its one handler, `run_node`, looks up who runs the execution and tells it the node:
what a node does, what it may not do twice and what becomes of its output is the runner's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from uuid import uuid4

from crewai.flow.flow import Flow
from crewai.flow.flow_definition import FlowDefinition
from pydantic import BaseModel

from core.pipeline import Graph, PipelineConfig

Step = Callable[[str], None]
"""Runs one node by its id. It does not raise: what goes wrong is recorded, and stops what follows."""

_HANDLER = "agents.flow:run_node"
_STATE = "agents.flow:FlowState"
_running: dict[str, Step] = {}


class FlowState(BaseModel):
    """What CrewAI keeps of a going-through: whose it is. Everything else is in our own checkpoint."""

    run_id: str = ""


class _PipelineFlow(Flow[FlowState]):
    # Else it makes a memory object for each flow: twice the time.
    _skip_auto_memory: bool = True


def run(config: PipelineConfig, step: Step) -> None:
    """Go through the graph of a checked pipeline: parallel branches at once, joins when all parents are done.

    Returns when every node has been called.
    """
    run_id = uuid4().hex
    _running[run_id] = step
    try:
        flow = _PipelineFlow.from_declaration(contents=_compiled(config))
        flow.kickoff(inputs={"run_id": run_id})
    finally:
        del _running[run_id]


async def run_node(flow: Flow[FlowState], node_id: str) -> None:
    """Handle every node of every flow. The step runs in a thread with the context of the flow."""
    await asyncio.to_thread(_running[flow.state.run_id], node_id)


def declare(config: PipelineConfig) -> dict[str, object]:
    """Return the declaration of a pipeline's graph.

    Methods are named by position, because CrewAI wants Python names; ids are `[a-z0-9-]+` and stand in `with`,
    where anything like `${…}` would be evaluated.
    """
    graph = Graph(config)
    method = {node_id: f"node_{i}" for i, node_id in enumerate(graph.order())}
    if len(method) < len(config.nodes):
        raise ValueError(f"pipeline {config.id}: a cycle; it should not have passed the check")
    methods: dict[str, object] = {}
    for node_id, name in method.items():
        parents = [method[parent] for parent in graph.parents(node_id)]
        when: dict[str, object] = {"start": True}
        if parents:
            when = {"listen": parents[0] if len(parents) == 1 else {"and": parents}}
        methods[name] = {"do": {"call": "code", "ref": _HANDLER, "with": {"node_id": node_id}}, **when}
    return {
        "schema": "crewai.flow/v1",
        "name": "pipeline",
        "state": {"type": "pydantic", "ref": _STATE},
        "config": {"tracing": False, "suppress_flow_events": True},
        "methods": methods,
    }


def _compiled(config: PipelineConfig) -> FlowDefinition:
    return _compile(
        config.model_dump_json(include={"id", "name", "symbol", "symbols", "nodes", "edges"}, by_alias=True)
    )


@lru_cache(maxsize=256)
def _compile(config_json: str) -> FlowDefinition:
    return FlowDefinition.from_declaration(contents=declare(PipelineConfig.model_validate_json(config_json)))
