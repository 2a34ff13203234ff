"""How every part and every process is, each with a sentence that says what it means for the user."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response

from api.context import Context, Ctx
from api.feed import MarketFeed, make_feed
from api.session import User
from api.types import Model
from core.clock import to_datetime
from core.errors import Unavailable
from core.heartbeat import Beat
from core.processes import PROCESSES, Process, title_of
from core.store import postgres
from core.store import redis as redis_store
from core.store.blobs import Blobs

router = APIRouter(tags=["health"])

PartStatus = Literal["ok", "down"]
ProcessState = Literal["ok", "starting", "degraded", "waiting", "missing"]


class PartHealth(Model):
    """A neighbour: Postgres, Kafka, Redis, ClickHouse, the task queue, the blob store."""

    name: str
    title: str
    status: PartStatus
    latency_ms: float | None
    sentence: str


class ProcessHealth(Model):
    name: str
    title: str
    state: ProcessState
    detail: str
    """What it says of itself."""
    sentence: str
    """What its state means for the user."""
    seen_at: datetime | None
    pid: int | None
    numbers: dict[str, float]


class Health(Model):
    status: Literal["ok", "degraded", "down"]
    sentence: str
    at: datetime
    version: str
    parts: list[PartHealth]
    processes: list[ProcessHealth]
    feed: MarketFeed


class Ready(Model):
    is_ready: bool
    sentence: str


VERSION = "0.1.0"
TIMEOUT_S = 1.5
"""How long a part may take to answer; all are asked at once."""


@dataclass(frozen=True, slots=True)
class _Part:
    """`when_down` says what its absence means for the user, and what is safe meanwhile."""

    name: str
    title: str
    when_down: str
    check: Callable[[Context], None]


@router.get("/health")
def get_health(_user: User, ctx: Ctx) -> Health:
    """Say how everything is. Answers also when everything else is down."""
    return make_health(ctx)


def make_health(ctx: Context) -> Health:
    parts = check_parts(ctx)
    processes = check_processes(ctx)
    return Health(
        status=_status(parts, processes),
        sentence=_sentence(parts, processes),
        at=to_datetime(ctx.clock.now_ms()),
        version=VERSION,
        parts=parts,
        processes=processes,
        feed=make_feed(ctx),
    )


@router.get("/ready")
def get_ready(response: Response, ctx: Ctx) -> Ready:
    """Say whether requests can be served: 200 or 503. For load balancers; open to all."""
    try:
        postgres.check(ctx.postgres)
    except Unavailable:
        response.status_code = 503
        return Ready(is_ready=False, sentence="Postgres does not answer yet")
    return Ready(is_ready=True, sentence="ready")


def check_parts(ctx: Context) -> list[PartHealth]:
    """Ask every part at once; one that does not answer in time counts as down."""
    pool = ThreadPoolExecutor(max_workers=len(_PARTS), thread_name_prefix="health")
    try:
        deadline = time.monotonic() + TIMEOUT_S
        answers = [(part, pool.submit(_ask, part, ctx)) for part in _PARTS]
        parts: list[PartHealth] = []
        for part, answer in answers:
            try:
                parts.append(answer.result(timeout=max(0.0, deadline - time.monotonic())))
            except TookTooLong:
                parts.append(_down(part, f"no answer within {TIMEOUT_S} s"))
        return parts
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def check_processes(ctx: Context) -> list[ProcessHealth]:
    """Compare who beats with who should."""
    try:
        beats = {beat.process: beat for beat in redis_store.heartbeats(ctx.redis)}
    except Unavailable:
        return [_process(p.name, None, "not known: Redis, where processes report, is away") for p in PROCESSES]
    found: list[ProcessHealth] = []
    for expected in PROCESSES:
        family = sorted(name for name in beats if title_of(name) == expected.title)
        found += [_process(name, beats[name], _process_sentence(expected, beats[name])) for name in family]
        if not family:
            found.append(_process(expected.name, None, f"{expected.title} is restarting: {expected.when_away}"))
    known = {process.name for process in found}
    found += [_process(name, beat, beat.detail) for name, beat in sorted(beats.items()) if name not in known]
    return found


def _ask(part: _Part, ctx: Context) -> PartHealth:
    started = time.monotonic()
    try:
        part.check(ctx)
    except Unavailable as error:
        return _down(part, str(error))
    latency_ms = round((time.monotonic() - started) * 1000, 1)
    return PartHealth(name=part.name, title=part.title, status="ok", latency_ms=latency_ms, sentence="answers")


def _down(part: _Part, reason: str) -> PartHealth:
    return PartHealth(
        name=part.name,
        title=part.title,
        status="down",
        latency_ms=None,
        sentence=f"{part.title} is away ({reason}): {part.when_down}",
    )


def _process(name: str, beat: Beat | None, sentence: str) -> ProcessHealth:
    return ProcessHealth(
        name=name,
        title=title_of(name),
        state=beat.state if beat else "missing",
        detail=beat.detail if beat else "",
        sentence=sentence,
        seen_at=to_datetime(beat.at_ms) if beat else None,
        pid=beat.pid if beat else None,
        numbers=beat.numbers if beat else {},
    )


def _process_sentence(expected: Process, beat: Beat) -> str:
    if beat.state == "ok":
        return beat.detail or "at work"
    doing = {"starting": "is starting", "waiting": "waits for a neighbour", "degraded": "works with a limit"}
    text = f"{expected.title} {doing[beat.state]}"
    if beat.detail:
        text += f" ({beat.detail})"
    return text if beat.state == "degraded" else f"{text}: {expected.when_away}"


def _status(parts: list[PartHealth], processes: list[ProcessHealth]) -> Literal["ok", "degraded", "down"]:
    if any(part.status == "down" and part.name in ("postgres", "kafka") for part in parts):
        return "down"
    is_well = all(part.status == "ok" for part in parts) and all(process.state == "ok" for process in processes)
    return "ok" if is_well else "degraded"


def _sentence(parts: list[PartHealth], processes: list[ProcessHealth]) -> str:
    """Return the most important thing to know: parts before processes, in their order."""
    unwell = [part.sentence for part in parts if part.status == "down"]
    unwell += [process.sentence for process in processes if process.state != "ok"]
    if not unwell:
        return "everything is at work"
    more = len(unwell) - 1
    return unwell[0] + (f" (and {more} more)" if more else "")


def _ignore(_answer: str) -> None:
    """That it answers is all we ask."""


def _check_queue(ctx: Context) -> None:
    url = ctx.settings.celery_broker_url
    queue = redis_store.client(ctx.settings.model_copy(update={"redis_url": url}), timeout_s=TIMEOUT_S)
    try:
        redis_store.check(queue)
    finally:
        queue.close()


def _check_blobs(ctx: Context) -> None:
    Blobs(ctx.settings).check()


_PARTS = (
    _Part(
        "postgres",
        "Postgres",
        "nothing can be changed or looked up; executions wait, and go on after their last finished step",
        lambda ctx: postgres.check(ctx.postgres),
    ),
    _Part(
        "kafka",
        "Kafka",
        "no trades, firings or events flow; triggers wait and say so",
        lambda ctx: _ignore(ctx.kafka.cluster(TIMEOUT_S)),
    ),
    _Part(
        "redis",
        "Redis",
        "live prices and the states of processes are not shown; triggers go on",
        lambda ctx: redis_store.check(ctx.redis),
    ),
    _Part(
        "clickhouse",
        "ClickHouse",
        "candle and cost history is not shown; new candles wait and are written later",
        lambda ctx: ctx.clickhouse.check(),
    ),
    _Part("queue", "Task queue", "new executions wait to be picked up", _check_queue),
    _Part("blobs", "Blob store", "long reports wait to be stored", _check_blobs),
)
