"""The graph of a pipeline: who comes before whom."""

from __future__ import annotations

from collections.abc import Iterable

from core.pipeline.config import PipelineConfig


class Graph:
    """Nodes and edges by id. Edges to or from an unknown node are left out, doubles count once."""

    def __init__(self, config: PipelineConfig) -> None:
        ids = dict.fromkeys(node.id for node in config.nodes)
        self.ids: tuple[str, ...] = tuple(ids)
        self._parents: dict[str, dict[str, None]] = {node_id: {} for node_id in ids}
        self._children: dict[str, dict[str, None]] = {node_id: {} for node_id in ids}
        for edge in config.edges:
            if edge.source in ids and edge.target in ids:
                self._parents[edge.target][edge.source] = None
                self._children[edge.source][edge.target] = None

    def parents(self, node_id: str) -> tuple[str, ...]:
        """Return the nodes whose edges lead here, in the order of the edges."""
        return tuple(self._parents[node_id])

    def children(self, node_id: str) -> tuple[str, ...]:
        return tuple(self._children[node_id])

    def ancestors(self, node_id: str) -> frozenset[str]:
        """Return all nodes from which this one can be reached; itself only when it is on a cycle."""
        return self._reach(self._parents[node_id], self._parents)

    def descendants(self, node_id: str) -> frozenset[str]:
        return self._reach(self._children[node_id], self._children)

    def order(self) -> tuple[str, ...]:
        """Return the nodes so that each comes after its parents; ties in the order of the file.

        Nodes on a cycle, and those behind it, are left out.
        """
        waiting = {node_id: len(parents) for node_id, parents in self._parents.items()}
        ordered: list[str] = []
        while True:
            ready = [node_id for node_id in self.ids if waiting.get(node_id) == 0]
            if not ready:
                return tuple(ordered)
            ordered.extend(ready)
            for node_id in ready:
                del waiting[node_id]
                for child in self._children[node_id]:
                    waiting[child] -= 1

    def cycle(self) -> tuple[str, ...]:
        """Return the nodes of one cycle in order, its first node again at the end; () without one."""
        for start in self.ids:
            if start in self.descendants(start):
                return self._path(start, start)
        return ()

    def _path(self, start: str, end: str) -> tuple[str, ...]:
        """Return a shortest path of at least one edge, which must exist."""
        came_from: dict[str, str] = {}
        front = [start]
        while front:
            following: list[str] = []
            for node_id in front:
                for child in self._children[node_id]:
                    if child not in came_from:
                        came_from[child] = node_id
                        following.append(child)
            if end in came_from:
                break
            front = following
        path = [end, came_from[end]]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return tuple(reversed(path))

    @staticmethod
    def _reach(first: Iterable[str], steps: dict[str, dict[str, None]]) -> frozenset[str]:
        seen: set[str] = set()
        front = list(first)
        while front:
            node_id = front.pop()
            if node_id not in seen:
                seen.add(node_id)
                front.extend(steps[node_id])
        return frozenset(seen)
