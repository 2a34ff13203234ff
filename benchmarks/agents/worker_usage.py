"""What a process has used, as the kernel counts it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since its start, user and system, of all its threads; and memory that is resident now."""

    cpu_s: float
    rss_bytes: int


def usage_of(pid: int) -> Usage:
    """Read /proc.

    Raises:
        AssertionError: the process has ended.
    """
    try:
        # The name in brackets may hold anything, blanks too.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        raise AssertionError(f"process {pid} has ended") from None
    return Usage((int(fields[11]) + int(fields[12])) * _TICK_S, int(pages) * _PAGE)
