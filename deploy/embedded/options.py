"""What `tapewatch up` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import ConfigError

RECORDED = "recorded:"
Feed = Literal["simulator", "finnhub", "recorded"]


@dataclass(frozen=True, slots=True)
class Options:
    """`port` 0: the one of last time, else 8000, else any free one. `only`: without our own processes."""

    data_dir: Path
    feed: Feed = "simulator"
    recording: Path | None = None
    speed: float = 1.0
    port: int = 0
    web: bool = True
    only: Literal["", "infra"] = ""


def parse_feed(text: str) -> tuple[Feed, Path | None]:
    """Read `simulator`, `finnhub` or `recorded:FILE`.

    Raises:
        ConfigError: it is none of these, or the file is not there.
    """
    if text == "simulator" or text == "finnhub":
        return text, None
    if not text.startswith(RECORDED):
        raise ConfigError(f"--feed: found {text!r}; it is simulator, finnhub or recorded:FILE")
    file = Path(text.removeprefix(RECORDED)).expanduser().resolve()
    if not file.is_file():
        raise ConfigError(f"--feed: there is no file {str(file)!r}")
    return "recorded", file
