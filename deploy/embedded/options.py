"""What `tapewatch up` was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import ConfigError

RECORDED = "recorded:"
Feed = Literal["simulator", "finnhub", "recorded"]
Rebase = Literal["now", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    """`port` 0: the one of last time, else 8000, else any free one. `only`: without our own processes.

    `rebase`: whether a recording's times are moved to now, or stay what they are. `kafka`: host:port of brokers that
    somebody else runs, in place of our own; empty for our own.
    """

    data_dir: Path
    feed: Feed = "simulator"
    recording: Path | None = None
    speed: float = 1.0
    rebase: Rebase = "now"
    port: int = 0
    web: bool = True
    only: Literal["", "infra"] = ""
    kafka: str = ""


def parse_rebase(text: str) -> Rebase:
    """Read `now` or `none`.

    Raises:
        ConfigError: it is neither.
    """
    if text == "now" or text == "none":
        return text
    raise ConfigError(f"--rebase: found {text!r}; it is now or none")


def symbols_of(recording: Path) -> tuple[str, ...]:
    """Return the symbols that a recording holds trades of, by name.

    Raises:
        ConfigError: it cannot be read as a Parquet file of trades.
    """
    import polars as pl

    try:
        names = pl.scan_parquet(recording).select(pl.col("symbol").cast(pl.String).unique()).collect()["symbol"]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"--feed: {str(recording)!r} is no Parquet file of trades: {error}") from None
    return tuple(sorted(names.to_list()))


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
