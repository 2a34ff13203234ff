"""The feed's REST side through its own client, with our limiter before it and the key out of the URL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from threading import Lock
from typing import Protocol, cast

import finnhub
import requests

from core.clock import Clock
from core.errors import NotAllowed, Unavailable
from core.settings import Settings
from ingest.turns import Turns

Series = dict[str, list[float]]
_TOO_MANY_S = 5.0
"""After a 429 nobody asks for so long; its minute may have begun before ours."""


class _Client(Protocol):
    """The part of finnhub.Client that we call; its package carries no types."""

    API_URL: str
    _session: requests.Session

    def stock_candles(self, symbol: str, resolution: str, _from: int, to: int) -> dict[str, object]: ...
    def crypto_candles(self, symbol: str, resolution: str, _from: int, to: int) -> dict[str, object]: ...
    def quote(self, symbol: str) -> dict[str, object]: ...
    def company_news(self, symbol: str, _from: str, to: str) -> list[object]: ...
    def general_news(self, category: str, min_id: int = 0) -> list[object]: ...
    def market_status(self, **params: str) -> dict[str, object]: ...


class Refused(NotAllowed):
    """The key may not use a feature; text and status as the feed answered, now or when it was asked."""

    def __init__(self, text: str, *, status: int) -> None:
        super().__init__(text)
        self.status = status


class Rest:
    """A feature the key may not use is asked for once and then left alone, until `forget_refusals`.

    May be called from several threads. Who calls takes a `turn` first: the plan's calls a minute are counted there.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._turns = Turns(clock, calls_per_minute=settings.finnhub_calls_per_minute)
        self._refused: dict[str, Refused] = {}
        self._answered: set[str] = set()
        self._first: defaultdict[str, Lock] = defaultdict(Lock)
        client = cast(_Client, finnhub.Client(api_key=settings.finnhub_api_key.get_secret_value()))
        client.API_URL = settings.finnhub_rest_url.rstrip("/")
        session = client._session  # pyright: ignore[reportPrivateUsage]
        # In the query string the key would end in every proxy's log.
        session.params.clear()  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        # And a redirect would carry it to another host.
        session.max_redirects = 0
        session.headers["X-Finnhub-Token"] = settings.finnhub_api_key.get_secret_value()
        self._client = client

    @property
    def refused(self) -> frozenset[str]:
        """Features that this key may not use, e.g. `stock_candle`."""
        return frozenset(self._refused)

    def forget_refusals(self) -> None:
        """Let the refused features be asked for again: the plan may be another one."""
        self._refused.clear()
        self._answered.clear()

    def turn(self, share: float = 1.0) -> float:
        """Take one call of this minute's plan; as `Turns.take`."""
        return self._turns.take(share)

    def candles(self, symbol: str, resolution: str, from_s: int, to_s: int) -> Series:
        """Return columns o h l c v t, oldest first, empty where there are none.

        Raises:
            NotAllowed: the key may not use it.
            Unavailable: not now: rate limit, timeout, a fault of theirs.
        """
        is_coin = ":" in symbol
        ask = self._client.crypto_candles if is_coin else self._client.stock_candles
        feature = "crypto_candle" if is_coin else "stock_candle"
        answer = _object(self._ask(feature, lambda: ask(symbol, resolution, from_s, to_s)))
        if answer.get("s") != "ok":
            return {key: [] for key in "ohlcvt"}
        columns = {key: _items(answer.get(key)) for key in "ohlcvt"}
        if len({len(column) for column in columns.values()}) != 1:
            raise Unavailable("the feed's REST side gave candles whose columns differ in length")
        return cast(Series, columns)

    def quote(self, symbol: str) -> float:
        """Return the latest price, 0 where there is none: the vendor answers so to an unknown symbol too.

        Raises:
            NotAllowed, Unavailable: as of `candles`.
        """
        price = _object(self._ask("quote", lambda: self._client.quote(symbol))).get("c")
        return float(price) if isinstance(price, int | float) else 0.0

    def company_news(self, symbol: str, first: date, last: date) -> list[object]:
        """Return the items about a company that were published on these days, UTC, as they came.

        Raises:
            NotAllowed, Unavailable: as of `candles`.
        """
        days = first.isoformat(), last.isoformat()
        return _items(self._ask("company_news", lambda: self._client.company_news(symbol, *days)))

    def general_news(self, after_id: int) -> list[object]:
        """Return the market's items with a larger id, as they came.

        Raises:
            NotAllowed, Unavailable: as of `candles`.
        """
        return _items(self._ask("news", lambda: self._client.general_news("general", min_id=after_id)))

    def market_status(self, exchange: str) -> dict[str, object]:
        """Return whether an exchange is open, as it came.

        Raises:
            NotAllowed, Unavailable: as of `candles`.
        """
        return _object(self._ask("market_status", lambda: self._client.market_status(exchange=exchange)))

    def _ask(self, feature: str, call: Callable[[], object]) -> object:
        """Call, unless the feature is refused; of several first calls the others wait for what one finds out."""
        if feature in self._answered:
            return self._ask_now(feature, call)
        with self._first[feature]:
            return self._ask_now(feature, call)

    def _ask_now(self, feature: str, call: Callable[[], object]) -> object:
        refusal = self._refused.get(feature)
        if refusal is not None:
            self._turns.give_back()
            raise Refused(str(refusal), status=refusal.status)
        try:
            answer = call()
        except finnhub.FinnhubAPIException as error:
            raise self._judged(error, feature) from None
        except (finnhub.FinnhubRequestException, requests.RequestException) as error:
            raise Unavailable(f"the feed's REST side: {type(error).__name__}") from None
        except TypeError:
            # The client's own exception trips over a refusal whose body is JSON and no object.
            raise Unavailable("the feed's REST side answered an error without a text") from None
        self._answered.add(feature)
        return answer

    def _judged(self, error: finnhub.FinnhubAPIException, feature: str) -> NotAllowed | Unavailable:
        status = int(cast(int, error.status_code))
        text = str(cast(str, error.message))
        # The refusal of a plan has come as 401 too: the text decides.
        if status == 403 or "access to this resource" in text:
            self._refused[feature] = Refused(text, status=status)
            self._answered.add(feature)
            return self._refused[feature]
        if status == 429:
            self._turns.pause(_TOO_MANY_S)
        return Unavailable(f"the feed's REST side answered {status}: {text}")


def _object(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise Unavailable(f"the feed's REST side answered {type(answer).__name__} instead of an object")
    return cast("dict[str, object]", answer)


def _items(answer: object) -> list[object]:
    if not isinstance(answer, list):
        raise Unavailable(f"the feed's REST side answered {type(answer).__name__} instead of a list")
    return cast("list[object]", answer)
