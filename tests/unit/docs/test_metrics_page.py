"""docs/metrics.md names every number that a process reports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def reported(source: str) -> set[str]:
    """Return the names that a module gives its heartbeat, and those it counts under a literal name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = ast.unparse(node.func.value)
            if of.endswith(("_heartbeat", "counts")) and node.func.attr in ("count", "report", "update"):
                found |= {keyword.arg for keyword in node.keywords if keyword.arg}
        match node:
            case ast.Subscript(value=counted, slice=ast.Constant(value=name)) if ast.unparse(counted).endswith(
                "counts"
            ):
                found.add(str(name))
            case _:
                pass
    return found


@pytest.mark.parametrize(
    ("heading", "sources"),
    [
        ("ingest", [f"ingest/{n}" for n in ("feed", "publisher", "intake", "normaliser", "admission", "newsdesk")]),
        ("market", ["dataflows/vital_signs"]),
        ("dispatcher", ["agents/dispatch"]),
        ("worker", ["agents/worker_process"]),
        ("beat", ["agents/upkeep"]),
    ],
)
def test_every_number_a_process_reports_is_explained(heading: str, sources: list[str]) -> None:
    page = (ROOT / "docs/metrics.md").read_text().split(f"## {heading}")[1].split("## ")[0]
    explained = set(re.findall(r"`(\w+)`", page))
    names = {name for source in sources for name in reported(f"{source}.py")}
    assert names
    assert names <= explained, f"not explained: {sorted(names - explained)}"
