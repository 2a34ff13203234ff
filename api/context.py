"""What every request may use: settings, clock, and the stores; made once by `create_app`, closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine

from core.clock import Clock
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    clock: Clock
    postgres: Engine


def context_of(request: Request) -> Context:
    found = request.app.state.context
    assert isinstance(found, Context)
    return found


Ctx = Annotated[Context, Depends(context_of)]


def _transaction(ctx: Ctx) -> Iterator[Connection]:
    """One transaction a request, committed when the endpoint has returned without an error."""
    with ctx.postgres.begin() as tx:
        yield tx


Tx = Annotated[Connection, Depends(_transaction, scope="function")]
"""Committed before the answer is sent: what a client is told has happened, has happened."""
