"""The application: one resource a file, put together here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import (
    agents,
    auth,
    billing,
    executions,
    feed,
    firings,
    health,
    live,
    market,
    metrics,
    pipelines,
    positions,
    problems,
    reports,
    trades,
    users,
    web,
)
from api.context import make_context
from api.hub import Hub
from api.middleware import Around
from api.passwords import Passwords
from api.pumps import Pumps
from core.clock import Clock, SystemClock
from core.settings import Settings

PREFIX = "/api/v1"
_RESOURCES = (
    auth, users, agents, pipelines, executions, firings, trades, positions, reports, billing, market, feed, health
)  # fmt: skip


def create_app(settings: Settings, *, clock: Clock | None = None, passwords: Passwords | None = None) -> FastAPI:
    """Return the application. It connects to nothing until it is started or asked."""
    app = FastAPI(
        title="Tapewatch",
        version=health.VERSION,
        description="Watches the market tape and runs your chain of agents the moment a trigger becomes true.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
    )
    app.state.context = make_context(settings, clock or SystemClock(), passwords or Passwords())
    app.state.hub = Hub()
    api = APIRouter(prefix=PREFIX, responses=problems.RESPONSES)
    for resource in _RESOURCES:
        api.include_router(resource.router)
    app.include_router(api)
    app.include_router(live.router)
    app.include_router(metrics.router)
    app.include_router(web.router)  # last: it takes every address that is left
    problems.add_handlers(app)
    app.add_middleware(Around)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    hub, ctx = app.state.hub, app.state.context
    hub.bind(asyncio.get_running_loop())
    pumps = Pumps(ctx, hub)
    pumps.start()
    try:
        yield
    finally:
        await asyncio.to_thread(pumps.close)
        ctx.close()


def _operation_id(route: APIRoute) -> str:
    """The function's name, unique and a verb with its noun: it becomes the client's method."""
    return route.name
