"""`run.json`: what runs in a data folder, for `tapewatch status` and whoever else asks. No secrets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

from deploy.embedded.part import PartView

_CLOCK_GRAIN_MS = 2_000
"""The system knows its own start, which process times are counted from, to the second."""


class RunningPart(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    status: str
    state: str
    detail: str
    pid: int
    restarts: int
    since_ms: int
    memory_bytes: int
    address: str
    log: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Rewritten every few seconds; `at_ms` tells how old it is."""

    pid: int
    at_ms: int
    started_at_ms: int
    data_dir: str
    url: str
    feed: str
    speed: float
    ready: bool
    disk_bytes: int
    ports: dict[str, int]
    parts: list[RunningPart]


def running_part(view: PartView) -> RunningPart:
    return RunningPart(
        name=view.name,
        title=view.title,
        status=str(view.status),
        state=view.state,
        detail=view.detail,
        pid=view.pid,
        restarts=view.restarts,
        since_ms=view.since_ms,
        memory_bytes=view.memory_bytes,
        address=view.address,
        log=view.log,
    )


def running_parts(views: Sequence[PartView]) -> list[RunningPart]:
    return [running_part(view) for view in views]


def write(path: Path, run: Run) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    temporary.replace(path)


def read(path: Path) -> Run | None:
    """Return what runs; None where nothing does, also when a supervisor died without taking the file away.

    A process that has the supervisor's pid and began after the file was last written is another one.
    """
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        began_ms = psutil.Process(run.pid).create_time() * 1000
    except psutil.NoSuchProcess:
        return None
    return run if began_ms <= run.at_ms + _CLOCK_GRAIN_MS else None
