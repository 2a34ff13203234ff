"""Files of installed packages: the servers that come as wheels."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from core.errors import ConfigError


def package_file(relative: str) -> Path:
    """Return a file of an installed package, without importing it.

    Raises:
        ConfigError: it is not installed.
    """
    path = Path(sysconfig.get_paths()["platlib"]) / relative
    if not path.is_file():
        raise ConfigError(f"{relative} is missing from {path.parents[len(Path(relative).parts) - 1]}; run: make setup")
    return path
