"""`@kernel`: compile with numba, keep the machine code on disk, and never run stale code.

numba's cache looks at the file of the function itself only: after a change in an indicator, a loop in another
file that has it compiled in would go on with the old one. So every kernel's stamp is of all kernel sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")
_HERE = Path(__file__).parent


def _sources() -> str:
    files = [*_HERE.glob("kernels*.py"), *_HERE.glob("indicators/*.py"), _HERE / "layout.py", Path(__file__)]
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


SOURCES = _sources()
"""Hash of everything that is compiled."""


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function of numbers and arrays at its first call; division by zero gives inf or NaN."""
    dispatcher = cast(Any, numba.njit(cache=True, error_model="numpy")(function))
    file = dispatcher._cache._cache_file
    file._source_stamp = (file._source_stamp, SOURCES)
    return cast("Callable[_P, _R]", dispatcher)
