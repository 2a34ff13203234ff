"""The application: one resource a file, put together here."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import (
    agents,
    auth,
    billing,
    executions,
    firings,
    health,
    market,
    pipelines,
    positions,
    problems,
    reports,
    trades,
    users,
)
from core.settings import Settings

PREFIX = "/api/v1"
VERSION = "0.1.0"
_RESOURCES = (
    auth, users, agents, pipelines, executions, firings, trades, positions, reports, billing, market, health
)  # fmt: skip


def create_app(settings: Settings) -> FastAPI:  # noqa: ARG001
    """Return the application. It connects to nothing until it is started."""
    app = FastAPI(
        title="Tapewatch",
        version=VERSION,
        description="Watches the market tape and runs your chain of agents the moment a trigger becomes true.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    api = APIRouter(prefix=PREFIX, responses=problems.RESPONSES)
    for resource in _RESOURCES:
        api.include_router(resource.router)
    app.include_router(api)
    problems.add_handlers(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name, unique and a verb with its noun: it becomes the client's method."""
    return route.name
