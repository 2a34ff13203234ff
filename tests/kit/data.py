"""Recorded market data beside the checkout (`TAPEWATCH_DATA`): judged by, never copied in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def data_file(name: str) -> Path:
    """Return a recorded file; without it the test is skipped with the reason, in CI it fails."""
    folder = Path(os.environ.get("TAPEWATCH_DATA") or ROOT.parent / "shared" / "data")
    file = folder / name
    if not file.exists():
        message = f"no recorded data at {str(file)!r}; set TAPEWATCH_DATA to the folder that holds it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return file
