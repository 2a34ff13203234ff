"""Recorded market data that golden tests compare with; it is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def recorded(name: str) -> Path:
    """Return a recorded file, under TAPEWATCH_DATA or beside the checkout. Without it the test is skipped,
    in CI it fails."""
    path = Path(os.environ.get("TAPEWATCH_DATA", DEFAULT)) / name
    if not path.is_file():
        said = f"no recorded data at {path}: set TAPEWATCH_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return path
