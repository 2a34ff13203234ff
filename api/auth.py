"""Logging in and out. Browsers hold their session in cookies that scripts cannot read."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from api.context import Context, Ctx
from api.limits import LOGIN_BY_ACCOUNT, LOGIN_BY_ADDRESS
from api.problems import NotLoggedIn
from api.session import (
    XSRF_COOKIE,
    XSRF_HEADER,
    User,
    clear_cookies,
    refresh_cookie,
    require_same_origin,
    set_cookies,
)
from api.tokens import REFRESH_S, Identity, hash_refresh, new_refresh
from api.types import Input, Model
from api.users import Me, me_of
from core.clock import to_datetime
from core.errors import Conflict, NotAllowed
from core.observability import logger
from core.store import logins, users

router = APIRouter(prefix="/auth", tags=["auth"])
_log = logger(__name__)
_WRONG = "email or password is wrong"
_ENDED = "the session has ended; log in again"
# Two tabs may bring the same token at once: the second is told to go on with the first one's new cookies.
_SAME_MOMENT = timedelta(seconds=10)


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
    require_same_origin(request, ctx.settings)
    email = credentials.email.strip().lower()
    ctx.limits.spend(LOGIN_BY_ADDRESS, _address(request))
    ctx.limits.spend(LOGIN_BY_ACCOUNT, email)
    with ctx.postgres.begin() as tx:
        found = users.by_email(tx, email)
    # No connection is held meanwhile: the check takes a tenth of a second.
    known_hash = found.password_hash if found and found.status == "active" else None
    is_right, new_hash = ctx.passwords.verify(credentials.password, known_hash)
    if not is_right or found is None:
        _log.info("login refused", address=_address(request))
        raise NotLoggedIn(_WRONG)
    ctx.limits.forgive(LOGIN_BY_ACCOUNT, email)
    with ctx.postgres.begin() as tx:
        if new_hash is not None:
            users.set_password_hash(tx, found.id, new_hash)
        users.record_login(tx, found.id, to_datetime(ctx.clock.now_ms()))
        return _open(tx, ctx, request, response, user_id=found.id, family=uuid4())


@router.post("/refresh")
def refresh_session(request: Request, response: Response, ctx: Ctx) -> Session:
    """Exchange the refresh token for a new one; each is good for one use."""
    require_same_origin(request, ctx.settings)
    token = request.cookies.get(refresh_cookie(ctx.settings))
    if not token:
        raise NotLoggedIn("log in first")
    sent = request.headers.get(XSRF_HEADER, "")
    if not sent or not hmac.compare_digest(sent.encode(), request.cookies.get(XSRF_COOKIE, "").encode()):
        raise NotAllowed(f"the request lacks its {XSRF_HEADER} header; reload the page")
    now = to_datetime(ctx.clock.now_ms())
    with ctx.postgres.begin() as tx:
        old = logins.lock_by_hash(tx, hash_refresh(token))
        if old is None or old.revoked_at is not None or old.expires_at <= now:
            raise NotLoggedIn(_ENDED)
        if old.used_at is None:
            user = users.by_id(tx, old.user_id)
            if user is None or user.status != "active":
                raise NotLoggedIn(_ENDED)
            logins.mark_used(tx, old.id, now)
            return _open(tx, ctx, request, response, user_id=old.user_id, family=old.family_id)
        if now - old.used_at <= _SAME_MOMENT:
            raise Conflict("this session was renewed a moment ago; repeat the request")
        # A used token came back: somebody has a copy. Whoever it is, this login ends.
        logins.revoke_family(tx, old.family_id, now)
    _log.warning("a used refresh token came back; its login is ended", user=str(old.user_id))
    raise NotLoggedIn(_ENDED)


@router.post("/logout", status_code=204)
def logout(response: Response, user: User, ctx: Ctx) -> None:
    """End this login, in this browser."""
    with ctx.postgres.begin() as tx:
        logins.revoke_family(tx, user.family, to_datetime(ctx.clock.now_ms()))
    clear_cookies(response, ctx.settings)


def _open(
    tx: Connection, ctx: Context, request: Request, response: Response, *, user_id: UUID, family: UUID
) -> Session:
    """Give a login its next tokens."""
    refresh = new_refresh()
    now = to_datetime(ctx.clock.now_ms())
    logins.add(
        tx,
        token_id=uuid4(),
        user_id=user_id,
        family_id=family,
        token_hash=hash_refresh(refresh),
        expires_at=now + timedelta(seconds=REFRESH_S),
        address=_address(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    access, until_s = ctx.tokens.sign_access(user_id, family)
    set_cookies(response, ctx, identity=Identity(user_id, family, until_s), access=access, refresh=refresh)
    return Session(user=me_of(tx, user_id), access_until=to_datetime(until_s * 1000))


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
