"""What only reads triggers must start fast: the api, validation and the agents never load numba for it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    ["engine.grammar", "engine.words", "engine.lint", "engine.schedule", "engine.indicators.column", "core.pipeline"],
)
def test_it_is_imported_without_numba(module: str) -> None:
    program = f"import sys, {module}; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0
