"""Errors as RFC 9457 problem details: a title, a sentence, and where the input is wrong.

One handler for each type of `core.errors`; whatever else is raised is logged and answered without its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Problem, TapewatchError, Unavailable
from core.observability import logger

_log = logger(__name__)
MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One thing wrong with the input. `path` as in the JSON sent: `nodes[2].config.timeframes`."""

    path: str
    found: str
    expected: str


class ProblemDetails(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    problems: list[FieldProblem] = []


class NotLoggedIn(NotAllowed):
    """No session, or one that has ended → 401."""


class TooMany(TapewatchError):
    """→ 429. `retry_after_s` says when to come again."""

    def __init__(self, text: str, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(text)


def respond(
    status: int, detail: str, *, problems: Sequence[Problem] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    body = ProblemDetails(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        problems=[FieldProblem(path=p.path, found=p.found, expected=p.expected) for p in problems],
    )
    return JSONResponse(body.model_dump(), status, media_type=MEDIA_TYPE, headers=headers)


def add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(TapewatchError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    match error:
        case InvalidInput(problems=problems):
            count = len(problems)
            detail = f"{count} thing{'s' if count != 1 else ''} to mend: {problems[0]}" if problems else str(error)
            return respond(422, detail, problems=problems)
        case NotLoggedIn():
            return respond(401, str(error))
        case NotAllowed():
            return respond(403, str(error))
        case NotFound():
            return respond(404, str(error))
        case Conflict():
            return respond(409, str(error))
        case TooMany(retry_after_s=seconds):
            return respond(429, str(error), headers={"Retry-After": str(seconds)})
        case Unavailable():
            return respond(503, f"{error}; try again shortly", headers={"Retry-After": "2"})
        case _:
            return _unexpected(_request, error)


def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        Problem(_path(tuple(e["loc"])), _found(e.get("input"), e["type"], tuple(e["loc"])), str(e["msg"]))
        for e in error.errors()
    ]
    return respond(422, "the request is not as it should be", problems=problems)


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return respond(error.status_code, str(error.detail), headers=headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return respond(500, "something went wrong on our side; it has been logged")


def _path(location: tuple[str | int, ...]) -> str:
    """Return `body.nodes[2].id` of ("body", "nodes", 2, "id"), without the "body" that a client never wrote."""
    parts = location[1:] if len(location) > 1 and location[0] == "body" else location
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts)
    return text.lstrip(".")


def _found(value: object, kind: str, location: tuple[str | int, ...]) -> str:
    if kind == "missing":
        return "nothing"
    if kind == "json_invalid":
        return "text that is no JSON"
    if any(secret in str(part) for part in location for secret in ("password", "secret", "token")):
        return "***"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


RESPONSES: dict[int | str, dict[str, object]] = {
    "default": {"model": ProblemDetails, "description": "A problem, with a sentence that says what to do."}
}
"""For routers: every route may answer with problem details."""
