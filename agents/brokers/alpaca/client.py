"""Alpaca's trading API through its own client, with what that lacks: a timeout, and care for what may have arrived.

The client has no timeout at all and sends a POST again after a 429 or a 504, which makes two orders of one. Here
only what reads is tried again; what writes is sent once, and where its fate is not known `OutcomeUnknown` says so:
look the order up by its own id before anything else is done.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
import requests
import urllib3
from alpaca.common.exceptions import RetryException
from alpaca.trading.client import TradingClient
from typing_extensions import override

from core.errors import InvalidInput, NotAllowed, NotFound, OutcomeUnknown, Problem, TapewatchError, Unavailable
from core.store.broker_connections import Credentials

CONNECT_S, ANSWER_S = 3.0, 10.0
_PASSING = (429, 500, 502, 503, 504)
_DUPLICATE = 40_010_001
_KEYS_REFUSED = 40_110_000
_TEXT = 200


class Rejected(TapewatchError):
    """The broker said no, for good: nothing was done. `code` is its own, 0 where it gave none."""

    def __init__(self, text: str, *, status: int, code: int) -> None:
        self.status = status
        self.code = code
        super().__init__(text)


class KnownOrder(Rejected):
    """An order of this client id has arrived before: it is there, and is to be looked up."""


class _Body(msgspec.Struct):
    code: int = 0
    message: str = ""


class AlpacaClient(TradingClient):
    """All calls raise `Unavailable` (not now; what reads), `OutcomeUnknown` (it may have happened; what writes),
    `Rejected`, `NotFound` or `NotAllowed` (the keys)."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        is_live: bool,
        url: str = "",
        answer_s: float = ANSWER_S,
        again_s: float = 1.0,
    ) -> None:
        """Args:
            url: Empty: the vendor's address of paper or live trading.
            again_s: Between the attempts of what reads.

        Raises:
            InvalidInput: the key is of the other kind of account.
        """
        _check_kind(credentials.api_key, is_live=is_live)
        super().__init__(credentials.api_key, credentials.api_secret, paper=not is_live, url_override=url or None)
        self._retry_wait = cast(int, again_s)
        self._timeout = (CONNECT_S, answer_s)

    @override
    def _one_request(self, method: str, url: str, opts: dict[str, Any], retry: int) -> Any:
        is_read = method.upper() == "GET"
        try:
            answer = self._session.request(method, url, timeout=self._timeout, **opts)
        except requests.RequestException as error:
            if is_read and retry > 0:
                raise RetryException from None
            raise _lost(error, is_read=is_read) from None
        if answer.status_code in _PASSING:
            if is_read and retry > 0:
                raise RetryException
            raise _not_known(f"answered {answer.status_code}", is_read=is_read)
        if not answer.ok or answer.is_redirect:
            raise _judged(answer)
        if not answer.text:
            return None
        try:
            return answer.json()
        except ValueError:
            raise _not_known("answered what is no JSON", is_read=is_read) from None


def _check_kind(api_key: str, *, is_live: bool) -> None:
    """Keys of paper accounts begin with PK and of live ones with AK, by the vendor's convention."""
    wrong, right = ("PK", "AK…") if is_live else ("AK", "PK…")
    if api_key.startswith(wrong):
        kind, other = ("live", "paper") if is_live else ("paper", "live")
        raise InvalidInput([Problem("api_key", f"a key of a {other} account", f"one of a {kind} account ({right})")])


def _lost(error: requests.RequestException, *, is_read: bool) -> Unavailable | OutcomeUnknown:
    if isinstance(error, requests.ConnectTimeout) or _never_left(error):
        return Unavailable("Alpaca cannot be reached")
    return _not_known(f"did not answer ({type(error).__name__})", is_read=is_read)


def _never_left(error: requests.RequestException) -> bool:
    """Return whether no connection was made, so that nothing was sent."""
    cause: object = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _not_known(what: str, *, is_read: bool) -> Unavailable | OutcomeUnknown:
    return Unavailable(f"Alpaca {what}") if is_read else OutcomeUnknown(f"Alpaca {what}; the order is looked up")


def _judged(answer: requests.Response) -> TapewatchError:
    """Return what a refusal means. A body that is none of theirs (a proxy's page) is not shown."""
    status = answer.status_code
    try:
        body = msgspec.json.decode(answer.content, type=_Body)
    except msgspec.MsgspecError:
        body = _Body()
    text = body.message.strip()[:_TEXT] or f"answered {status}"
    if status == 401 or body.code == _KEYS_REFUSED or (status == 403 and not body.code):
        return NotAllowed("Alpaca refuses the keys of this connection; enter keys of this account again")
    if status == 404:
        return NotFound(f"Alpaca: {text}")
    kind = KnownOrder if body.code == _DUPLICATE else Rejected
    return kind(f"Alpaca: {text}", status=status, code=body.code)
