"""The direction of imports is held by import-linter; this holds what only running tells."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("crewai", "bytewax", "fastapi", "celery", "numba", "alpaca", "chdb", "polars", "exchange_calendars")


def loaded_by(module: str) -> set[str]:
    code = f"import {module}, sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("core.settings", set[str]()),
        ("core.wire.trades", set[str]()),
        ("api.app", {"fastapi", "celery", "numba"}),
        ("dataflows.market", {"bytewax", "numba"}),
        ("ingest.feed", set[str]()),
        ("agents.dispatch", {"celery", "numba"}),
        ("cli.main", set[str]()),
    ],
)
def test_importing_a_room_loads_no_framework_of_another(module: str, allowed: set[str]) -> None:
    assert loaded_by(module) & set(HEAVY) <= allowed


def test_our_agents_package_is_the_one_of_this_repository() -> None:
    # Another vendor's SDK has the same import name, and CrewAI probes for it.
    assert loaded_by("agents") & {"openai"} == set()
