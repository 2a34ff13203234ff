"""How every part and every process is, each with a sentence that says what it means for the user."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response

from api.context import Ctx
from api.session import User
from api.types import Model

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


class Ready(Model):
    is_ready: bool
    sentence: str


@router.get("/health")
def get_health(_user: User, ctx: Ctx) -> Health:
    """Say how everything is. Answers also when everything else is down."""
    raise NotImplementedError


@router.get("/ready")
def get_ready(response: Response, ctx: Ctx) -> Ready:
    """Say whether requests can be served: 200 or 503. For load balancers; open to all."""
    raise NotImplementedError
