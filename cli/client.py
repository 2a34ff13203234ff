"""The API as the console command sees it: one login, JSON in and out, failures as errors of ours."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Problem, TapewatchError, Unavailable
from core.settings import Settings

Answer = TypeVar("Answer")
_PREFIX = "/api/v1"


class _FieldProblem(msgspec.Struct):
    path: str = ""
    found: str = ""
    expected: str = ""


class _Details(msgspec.Struct):
    detail: str = ""
    problems: list[_FieldProblem] = []


class ApiClient:
    """Speaks to one API as one user; logs in at the first call.

    Raises, from every method:
        Unavailable: nothing answers at the address, or the server says to come again.
        NotAllowed: wrong password, or not permitted.
        NotFound, Conflict, InvalidInput: as the server says, with its problems.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = 15) -> None:
        self._origin = settings.origin
        self._email = settings.cli_email
        self._password = settings.cli_password.get_secret_value() or settings.demo_password.get_secret_value()
        self._timeout_s = timeout_s
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._is_logged_in = False

    def get(self, path: str, answer: type[Answer]) -> Answer:
        return self._call("GET", path, None, answer)

    def post(self, path: str, body: Mapping[str, object], answer: type[Answer]) -> Answer:
        return self._call("POST", path, body, answer)

    def put(self, path: str, body: Mapping[str, object], answer: type[Answer]) -> Answer:
        return self._call("PUT", path, body, answer)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None, answer: type[Answer]) -> Answer:
        if not self._is_logged_in:
            self._login()
        return msgspec.json.decode(self._send(method, path, body), type=answer)

    def _login(self) -> None:
        if not self._password:
            raise NotAllowed(
                "no password: start the stack with `tapewatch up` beside this, or set TAPEWATCH_CLI_EMAIL and "
                "TAPEWATCH_CLI_PASSWORD"
            )
        self._send("POST", "/auth/login", {"email": self._email, "password": self._password})
        self._is_logged_in = True

    def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> bytes:
        headers = {"Accept": "application/json", "Origin": self._origin}
        if body is not None:
            headers["Content-Type"] = "application/json"
        for cookie in self._cookies:
            if cookie.name == "XSRF-TOKEN" and cookie.value is not None:
                headers["X-XSRF-TOKEN"] = cookie.value
        request = urllib.request.Request(
            self._origin + _PREFIX + path,
            data=None if body is None else msgspec.json.encode(body),
            headers=headers,
            method=method,
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise _error_of(error.code, error.read()) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise Unavailable(
                f"no answer from {self._origin}: {reason}; is it running? start it with: tapewatch up"
            ) from None


def _error_of(status: int, body: bytes) -> TapewatchError:
    try:
        details = msgspec.json.decode(body, type=_Details)
    except msgspec.DecodeError:
        details = _Details()
    text = details.detail or f"the server answered {status}"
    if status == 422:
        return InvalidInput([Problem(p.path, p.found, p.expected) for p in details.problems] or [Problem("", text, "")])
    kinds: dict[int, type[TapewatchError]] = {401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict}
    if status in kinds:
        return kinds[status](text)
    return Unavailable(text) if status in (429, 502, 503, 504) else TapewatchError(text)
