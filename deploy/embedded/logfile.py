"""Log files of bounded size, and their last words."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from core.observability import hide_secrets

LIMIT_BYTES = 16_000_000
_TAIL_BYTES = 8_192


class _Line(msgspec.Struct):
    message: str = ""
    reason: str = ""


def bound(log: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Move a log that has grown too large to `.1` and begin anew, while its process goes on writing.

    The process appends, so truncating under it is safe; what it writes between copy and truncation is lost.
    """
    try:
        if log.stat().st_size <= limit_bytes:
            return
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as file:
            file.truncate(0)
    except OSError:
        return  # a full disk: tried again at the next look


def last_words(log: Path) -> str:
    """Return the last thing a process said, as a sentence: of a JSON line its message and reason."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    if not lines:
        return ""
    last = lines[-1].strip()
    try:
        line = msgspec.json.decode(last, type=_Line)
    except msgspec.DecodeError:
        return hide_secrets(last)[:300]
    return hide_secrets(f"{line.message}: {line.reason}" if line.reason else line.message)[:300]
