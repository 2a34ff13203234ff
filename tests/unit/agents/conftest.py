"""CrewAI is prepared before anything here imports it, as a worker does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from agents import crewai_runtime

_home = os.environ.get("HOME", "")
crewai_runtime.load(Path(tempfile.mkdtemp(prefix="tapewatch-crewai-")))
# The rest of the run keeps its own home.
os.environ["HOME"] = _home
