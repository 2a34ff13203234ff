"""Everything that is wrong with a pipeline, each with the path of its field."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from core.catalog import AGENTS, AgentSettings
from core.catalog.analysis import MarketDataSettings
from core.errors import InvalidInput, Problem
from core.pipeline.config import Node, PipelineConfig
from core.pipeline.graph import Graph
from core.pipeline.invalid import problems_of
from engine.condition import TIMEFRAMES, TriggerSpec
from engine.grammar import InvalidTrigger, parse_trigger
from engine.grammar.operands import indicator_problem


def check(config: PipelineConfig) -> list[Problem]:
    """Return all problems; an empty list means that it can be armed and run."""
    graph = Graph(config)
    problems = [
        *_check_symbols(config),
        *_check_nodes(config),
        *_check_trigger(config),
        *_check_edges(config, graph),
    ]
    settings: dict[str, AgentSettings] = {}
    for i, node in enumerate(config.nodes):
        agent = AGENTS.get(node.agent_type)
        if agent is None:
            continue
        if agent.is_trigger:
            problems += _trigger_problems(config, i)
            continue
        try:
            settings[node.id] = agent.config_model.model_validate(node.config)
        except ValidationError as error:
            problems += problems_of(error, f"nodes[{i}].config")
    problems += _check_indicators(config, settings)
    if not graph.cycle():
        problems += _check_inputs(config, graph)
        problems += _check_timeframes(config, graph, settings)
    return problems


def trigger_node(config: PipelineConfig) -> Node:
    """Return the node that starts the pipeline.

    Raises:
        InvalidInput: there is none, or more than one.
    """
    if problems := list(_check_trigger(config)):
        raise InvalidInput(problems)
    return next(node for node in config.nodes if _is_trigger(node))


def trigger_spec(config: PipelineConfig, version: int) -> TriggerSpec:
    """Return what the engine arms.

    Args:
        version: The trigger's version (T31), not the pipeline's.

    Raises:
        InvalidInput: with paths from the pipeline's root, `nodes[0].config.conditions[1].value`.
    """
    node = trigger_node(config)
    try:
        return parse_trigger(
            node.agent_type,
            node.config,
            pipeline_id=config.id,
            node_id=node.id,
            version=version,
            symbols=config.all_symbols,
            primary_timeframe=config.primary_timeframe,
        )
    except InvalidTrigger as invalid:
        raise InvalidInput(list(_of_node(invalid, config.nodes.index(node)))) from None


def _check_symbols(config: PipelineConfig) -> Iterator[Problem]:
    if config.symbol is not None and config.symbols:
        yield Problem("symbols", "symbol as well", "one of symbol and symbols")
    if not config.all_symbols:
        yield Problem("symbol", "nothing", "a symbol, as in AAPL or BINANCE:BTCUSDT, or a list symbols")
    for i, symbol in enumerate(config.symbols):
        if symbol in config.symbols[:i]:
            yield Problem(f"symbols[{i}]", f"{symbol!r} again", "each symbol once")


def _check_nodes(config: PipelineConfig) -> Iterator[Problem]:
    counted = Counter(node.id for node in config.nodes)
    seen: set[str] = set()
    for i, node in enumerate(config.nodes):
        if counted[node.id] > 1 and node.id in seen:
            yield Problem(f"nodes[{i}].id", repr(node.id), "an id that no other node has")
        seen.add(node.id)
        if node.agent_type not in AGENTS:
            yield Problem(
                f"nodes[{i}].agent_type",
                repr(node.agent_type),
                "one of " + ", ".join(AGENTS) + _near(node.agent_type, AGENTS),
            )


def _check_trigger(config: PipelineConfig) -> Iterator[Problem]:
    triggers = [(i, node) for i, node in enumerate(config.nodes) if _is_trigger(node)]
    if not triggers:
        known = ", ".join(agent.agent_type for agent in AGENTS.values() if agent.is_trigger)
        yield Problem("nodes", "no trigger", f"one node of {known}")
    for i, node in triggers[1:]:
        yield Problem(
            f"nodes[{i}]",
            f"a second trigger, {node.agent_type} {node.id}",
            f"one trigger; the first is {triggers[0][1].id}",
        )


def _check_edges(config: PipelineConfig, graph: Graph) -> Iterator[Problem]:
    triggers = {node.id for node in config.nodes if _is_trigger(node)}
    seen: set[tuple[str, str]] = set()
    for i, edge in enumerate(config.edges):
        for end, node_id in (("from", edge.source), ("to", edge.target)):
            if node_id not in graph.ids:
                yield Problem(f"edges[{i}].{end}", repr(node_id), "the id of a node" + _near(node_id, graph.ids))
        if edge.target in triggers:
            yield Problem(f"edges[{i}].to", repr(edge.target), "no edge leads to a trigger: it starts")
        if (edge.source, edge.target) in seen:
            yield Problem(f"edges[{i}]", f"{edge.source} → {edge.target} again", "each edge once")
        seen.add((edge.source, edge.target))
    if cycle := graph.cycle():
        yield Problem("edges", "a cycle: " + " → ".join(cycle), "no way back: remove one of these edges")
    if len(triggers) == 1:
        (trigger,) = triggers
        reached = {trigger, *graph.descendants(trigger)}
        for i, node in enumerate(config.nodes):
            if node.id not in reached:
                yield Problem(
                    f"nodes[{i}]",
                    f"{node.agent_type} {node.id}, which never runs",
                    f"an edge to it, so that it can be reached from {trigger}",
                )


def _trigger_problems(config: PipelineConfig, index: int) -> Iterator[Problem]:
    node = config.nodes[index]
    try:
        parse_trigger(
            node.agent_type,
            node.config,
            pipeline_id=config.id,
            node_id=node.id,
            version=1,
            symbols=config.all_symbols,
            primary_timeframe=config.primary_timeframe,
        )
    except InvalidTrigger as invalid:
        yield from _of_node(invalid, index)


def _of_node(invalid: InvalidTrigger, index: int) -> Iterator[Problem]:
    """Return problems inside a node's config as problems of the pipeline."""
    for problem in invalid.problems:
        path = f"nodes[{index}].config" + (f".{problem.path}" if problem.path else "")
        if problem.path in ("agent_type", "primary_timeframe"):
            path = problem.path if problem.path == "primary_timeframe" else f"nodes[{index}].agent_type"
        yield Problem(path, problem.found, problem.expected)


def _check_indicators(config: PipelineConfig, settings: Mapping[str, AgentSettings]) -> Iterator[Problem]:
    for i, node in enumerate(config.nodes):
        known = settings.get(node.id)
        if not isinstance(known, MarketDataSettings):
            continue
        for name, values in (("timeframes", known.timeframes), ("indicators", known.indicators)):
            for j, value in enumerate(values):
                if value in values[:j]:
                    yield Problem(f"nodes[{i}].config.{name}[{j}]", f"{value!r} again", "each once")
        for j, indicator in enumerate(known.indicators):
            if wrong := indicator_problem(indicator):
                yield Problem(f"nodes[{i}].config.indicators[{j}]", repr(indicator), wrong)


def _check_inputs(config: PipelineConfig, graph: Graph) -> Iterator[Problem]:
    for i, node in enumerate(config.nodes):
        agent = AGENTS.get(node.agent_type)
        if agent is None:
            continue
        upstream = graph.ancestors(node.id)
        produced = {
            field
            for other in config.nodes
            if other.id in upstream and other.agent_type in AGENTS
            for field in AGENTS[other.agent_type].produces
        }
        for field in agent.consumes:
            if field in produced or field == "trigger":  # not reachable from the trigger: said elsewhere
                continue
            makers = [other.agent_type for other in AGENTS.values() if field in other.produces]
            yield Problem(
                f"nodes[{i}]",
                f"{node.agent_type} {node.id} without {field} upstream",
                f"put a {' or '.join(makers)} on the way to it",
            )


def _check_timeframes(config: PipelineConfig, graph: Graph, settings: Mapping[str, AgentSettings]) -> Iterator[Problem]:
    for node in config.nodes:
        needed = settings[node.id].required_timeframes() if node.id in settings else ()
        upstream = graph.ancestors(node.id)
        sources = [
            (i, other.id, found)
            for i, other in enumerate(config.nodes)
            if other.id in upstream and isinstance(found := settings.get(other.id), MarketDataSettings)
        ]
        fetched = {timeframe for _, _, found in sources for timeframe in found.timeframes}
        if not sources:
            continue  # without market data upstream: said by _check_inputs
        index, source, found = sources[-1]
        for timeframe in TIMEFRAMES:
            if timeframe in needed and timeframe not in fetched:
                yield Problem(
                    f"nodes[{index}].config.timeframes",
                    ", ".join(found.timeframes),
                    f"{node.agent_type} {node.id} needs {timeframe}; add it to {source}.config.timeframes",
                )


def _is_trigger(node: Node) -> bool:
    agent = AGENTS.get(node.agent_type)
    return agent is not None and agent.is_trigger


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
