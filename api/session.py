"""Who is asking: the access cookie of a browser, and for a mutation its XSRF header, on every request."""

from __future__ import annotations

import hmac
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from starlette.requests import HTTPConnection

from api.context import Context, Ctx
from api.problems import NotLoggedIn
from api.tokens import ACCESS_S, REFRESH_S, Identity
from core.errors import NotAllowed
from core.settings import Settings

XSRF_COOKIE = "XSRF-TOKEN"
XSRF_HEADER = "X-XSRF-TOKEN"
REFRESH_PATH = "/api/v1/auth"
_SAFE = ("GET", "HEAD", "OPTIONS")


def access_cookie(settings: Settings) -> str:
    """`__Host-` binds the cookie to this very host, and browsers take it over HTTPS only."""
    return "__Host-access" if settings.secure_cookies else "tapewatch-access"


def refresh_cookie(settings: Settings) -> str:
    return "__Secure-refresh" if settings.secure_cookies else "tapewatch-refresh"


def identify(request: Request, ctx: Ctx) -> Identity:
    """Return who asks.

    Raises:
        NotLoggedIn: without a session, or after its end.
        NotAllowed: a mutation without the XSRF header, or from another origin.
    """
    found = identity_of(request, ctx)
    if found is None:
        raise NotLoggedIn("log in first")
    if request.method not in _SAFE:
        require_same_origin(request, ctx.settings)
        sent = request.headers.get(XSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode(), ctx.tokens.xsrf_of(found.family).encode()):
            raise NotAllowed(f"the request lacks its {XSRF_HEADER} header; reload the page")
    return found


User = Annotated[Identity, Depends(identify)]
"""A route with this parameter refuses the anonymous with 401, and a mutation without the XSRF header with 403."""


def identity_of(connection: HTTPConnection, ctx: Context) -> Identity | None:
    """Return whom the access cookie names, if anybody."""
    token = connection.cookies.get(access_cookie(ctx.settings))
    return ctx.tokens.read_access(token) if token else None


def is_same_origin(connection: HTTPConnection, settings: Settings) -> bool:
    """Tell whether a browser's Origin is ours: the configured one, or the host that it talks to."""
    origin = connection.headers.get("origin", "")
    return bool(origin) and (origin == settings.origin or urlsplit(origin).netloc == connection.headers.get("host"))


def require_same_origin(request: Request, settings: Settings) -> None:
    """Refuse what another site's page sends. Clients that are no browsers send no Origin."""
    if "origin" in request.headers and not is_same_origin(request, settings):
        raise NotAllowed("this page may not call the API from another origin")


def set_cookies(response: Response, ctx: Context, *, identity: Identity, access: str, refresh: str) -> None:
    secure = ctx.settings.secure_cookies
    response.set_cookie(
        access_cookie(ctx.settings), access, max_age=ACCESS_S, httponly=True, secure=secure, samesite="lax"
    )
    response.set_cookie(
        refresh_cookie(ctx.settings),
        refresh,
        max_age=REFRESH_S,
        path=REFRESH_PATH,
        httponly=True,
        secure=secure,
        samesite="strict",
    )
    # Readable by our page only: it sends it back as a header, which no other site's page can.
    response.set_cookie(
        XSRF_COOKIE,
        ctx.tokens.xsrf_of(identity.family),
        max_age=REFRESH_S,
        secure=secure,
        samesite="lax",
    )


def clear_cookies(response: Response, settings: Settings) -> None:
    secure = settings.secure_cookies
    response.delete_cookie(access_cookie(settings), httponly=True, secure=secure, samesite="lax")
    response.delete_cookie(refresh_cookie(settings), path=REFRESH_PATH, httponly=True, secure=secure, samesite="strict")
    response.delete_cookie(XSRF_COOKIE, secure=secure, samesite="lax")
