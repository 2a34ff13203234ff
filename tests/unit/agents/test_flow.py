from __future__ import annotations

import threading
import time
from itertools import pairwise

from agents import flow
from core.pipeline import Edge, Node, PipelineConfig


def pipeline(*edges: tuple[str, str], ids: tuple[str, ...] = ("a", "b", "c", "d")) -> PipelineConfig:
    nodes = tuple(Node(id=i, agent_type="reporting_agent") for i in ids)
    made = tuple(Edge.model_validate({"from": source, "to": target}) for source, target in edges)
    return PipelineConfig(id="p", name="p", symbol="AAPL", nodes=nodes, edges=made)


DIAMOND = pipeline(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))


def test_every_node_is_called_once_after_its_parents() -> None:
    seen: list[str] = []
    flow.run(DIAMOND, seen.append)
    assert seen[0] == "a"
    assert sorted(seen[1:3]) == ["b", "c"]
    assert seen[3:] == ["d"]


def test_branches_run_at_once() -> None:
    both = threading.Barrier(2, timeout=10)

    def step(node_id: str) -> None:
        if node_id in ("b", "c"):
            both.wait()

    flow.run(DIAMOND, step)


def test_two_pipelines_at_once_do_not_mix() -> None:
    seen: dict[int, list[str]] = {0: [], 1: []}

    def go(number: int) -> None:
        flow.run(DIAMOND, seen[number].append)

    threads = [threading.Thread(target=go, args=(n,)) for n in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [sorted(s) for s in seen.values()] == [["a", "b", "c", "d"]] * 2


def test_a_declaration_holds_ids_and_one_handler_only() -> None:
    methods = flow.declare(DIAMOND)["methods"]
    assert isinstance(methods, dict)
    assert methods["node_3"] == {
        "do": {"call": "code", "ref": "agents.flow:run_node", "with": {"node_id": "d"}},
        "listen": {"and": ["node_1", "node_2"]},
    }


def test_fifty_nodes_in_a_row_take_well_under_a_second() -> None:
    ids = tuple(f"n{i}" for i in range(50))
    config = pipeline(*pairwise(ids), ids=ids)
    seen: list[str] = []
    flow.run(config, seen.append)
    started = time.process_time()
    flow.run(config, seen.append)
    assert len(seen) == 100
    assert time.process_time() - started < 1
