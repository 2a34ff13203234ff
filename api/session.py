"""Who is asking: the access cookie of a browser, checked on every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from api.context import Ctx


@dataclass(frozen=True, slots=True)
class Identity:
    """A logged-in user. `family` is the login; it ends with it."""

    user_id: UUID
    family: UUID


def identify(request: Request, ctx: Ctx) -> Identity:
    raise NotImplementedError


User = Annotated[Identity, Depends(identify)]
"""A route with this parameter refuses the anonymous with 401, and a mutation without the XSRF header with 403."""
