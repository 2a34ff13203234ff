"""The option that says which data folder a verb means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DATA_DIR = Path("data")
DataDirOption = Annotated[
    Path, typer.Option("--data-dir", envvar="TAPEWATCH_DATA_DIR", help="The folder that holds all data of a stack.")
]
