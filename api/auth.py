"""Logging in and out. Browsers hold their session in cookies that scripts cannot read."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.context import Ctx
from api.session import User
from api.types import Input, Model
from api.users import Me

router = APIRouter(prefix="/auth", tags=["auth"])


class Credentials(Input):
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=1024)


class Session(Model):
    """A login. Its cookies come with the answer; `XSRF-TOKEN` goes back as header `X-XSRF-TOKEN`."""

    user: Me
    access_until: datetime
    """Ask for `/auth/refresh` before then."""


@router.post("/login")
def login(credentials: Credentials, request: Request, response: Response, ctx: Ctx) -> Session:
    """Log in with email and password."""
    raise NotImplementedError


@router.post("/refresh")
def refresh_session(request: Request, response: Response, ctx: Ctx) -> Session:
    """Exchange the refresh token for a new one; each is good for one use."""
    raise NotImplementedError


@router.post("/logout", status_code=204)
def logout(response: Response, user: User, ctx: Ctx) -> None:
    """End this login, in this browser."""
    raise NotImplementedError
