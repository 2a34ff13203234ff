"""What can be played: the synthetic market, or a recording moved to now. Both answer the same questions."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from engine.sessions import Calendars
from ingest.simulator.candles import Candles, from_path, from_prints, joined
from ingest.simulator.listing import DAY, MINUTE, Listing, listings
from ingest.simulator.tape import Prints, SyntheticTape

_EXACT_UP_TO_S = 15 * 60
_EXACT_MS = 2 * DAY
"""Candles up to 15 minutes, and the latest days of longer ones within a day, are those of the tape. The others are
read off the price's path: a year of prints would take minutes to make."""
_KEEP_MINUTES = 3


class Market(Protocol):
    def symbols(self) -> dict[str, str]:
        """Return names by symbol."""
        ...

    def prints(self, symbol: str, from_ms: int, to_ms: int) -> Prints:
        """Return the prints of [from_ms, to_ms), oldest first."""
        ...

    def candles(self, symbol: str, length_s: int, from_ms: int, to_ms: int, *, now_ms: int | None = None) -> Candles:
        """Return the candles that begin in [from_ms, to_ms) and have trades, of all sessions.

        With `now_ms` the last one knows nothing of what comes at or after it.
        """
        ...


class SyntheticMarket:
    def __init__(self, *, seed: int) -> None:
        self._tape = SyntheticTape(seed=seed)
        self._listings = listings()
        self._calendars = Calendars()
        self._minutes: dict[str, dict[int, Prints]] = {}

    def symbols(self) -> dict[str, str]:
        return {one.symbol: one.name for one in self._listings.values()}

    def prints(self, symbol: str, from_ms: int, to_ms: int) -> Prints:
        listing = self._listings[symbol]
        first, last = from_ms // MINUTE * MINUTE, (to_ms - 1) // MINUTE * MINUTE
        if last - first > _KEEP_MINUTES * MINUTE:
            return self._tape.prints(listing, first, last + MINUTE).between(from_ms, to_ms)
        parts = [self._minute(listing, m).between(from_ms, to_ms) for m in range(first, last + 1, MINUTE)]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def candles(self, symbol: str, length_s: int, from_ms: int, to_ms: int, *, now_ms: int | None = None) -> Candles:
        listing = self._listings[symbol]
        length = length_s * 1000
        first = from_ms // length * length
        exact_from = first
        if length >= DAY:
            exact_from = to_ms
        elif length_s > _EXACT_UP_TO_S:
            exact_from = max(first, (to_ms - _EXACT_MS) // DAY * DAY)
        until = _end_of(to_ms, length, now_ms)
        early = self._early_candles(listing, np.arange(first, exact_from, length, dtype=np.int64), length, until)
        if exact_from >= to_ms:
            return early
        prints = self._tape.prints(listing, exact_from, until // MINUTE * MINUTE + MINUTE)
        return joined(early, from_prints(prints.between(exact_from, until), length, to_ms))

    def _early_candles(self, listing: Listing, starts: NDArray[np.int64], length: int, until: int) -> Candles:
        return from_path(
            lambda times: self._tape.path(listing, np.minimum(times, until - 1)),
            self._open(listing, starts, length),
            length_ms=length,
            volume=listing.per_minute * listing.mean_size * length / MINUTE,
        )

    def _open(self, listing: Listing, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Keep the candles during which the market is open at all."""
        if listing.is_coin or len(starts) == 0:
            return starts
        spans = self._calendars.bounds(listing.symbol, "extended", int(starts[0]), int(starts[-1]) + length)
        if len(spans) == 0:
            return starts[:0]
        at = np.searchsorted(spans[:, 1], starts, side="right")
        inside = np.minimum(at, len(spans) - 1)
        return starts[(at < len(spans)) & (spans[inside, 0] < starts + length)]

    def _minute(self, listing: Listing, minute: int) -> Prints:
        kept = self._minutes.setdefault(listing.symbol, {})
        if minute not in kept:
            while len(kept) >= _KEEP_MINUTES:
                kept.pop(min(kept))
            kept[minute] = self._tape.prints(listing, minute, minute + MINUTE)
        return kept[minute]


class RecordedMarket:
    """A Parquet file with columns symbol, ts_ms, price, size; times are moved by `offset_ms`."""

    def __init__(self, file: Path, *, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        self._by_symbol = _read(file)
        self.first_ms = min((int(p.ts_ms.min()) for p in self._by_symbol.values()), default=0)

    def symbols(self) -> dict[str, str]:
        return {symbol: symbol for symbol in self._by_symbol}

    def prints(self, symbol: str, from_ms: int, to_ms: int) -> Prints:
        found = self._by_symbol[symbol].between(from_ms - self.offset_ms, to_ms - self.offset_ms)
        return Prints(found.ts_ms + self.offset_ms, found.price, found.size, found.codes)

    def candles(self, symbol: str, length_s: int, from_ms: int, to_ms: int, *, now_ms: int | None = None) -> Candles:
        length = length_s * 1000
        prints = self.prints(symbol, from_ms // length * length, _end_of(to_ms, length, now_ms))
        return from_prints(prints, length, to_ms)


def _end_of(to_ms: int, length: int, now_ms: int | None) -> int:
    """Return the end of the candle that holds `to_ms`, or now when that is earlier."""
    end = -(-to_ms // length) * length
    return end if now_ms is None else min(end, now_ms)


def _joined(parts: list[Prints]) -> Prints:
    return Prints(
        np.concatenate([p.ts_ms for p in parts]),
        np.concatenate([p.price for p in parts]),
        np.concatenate([p.size for p in parts]),
        np.concatenate([p.codes for p in parts]),
    )


def _read(file: Path) -> dict[str, Prints]:
    import polars as pl
    from polars.exceptions import PolarsError

    wanted = ["symbol", "ts_ms", "price", "size"]
    try:
        table = pl.read_parquet(file, columns=wanted)
    except (OSError, PolarsError) as error:
        raise ConfigError(f"recorded:{file}: {error}; a Parquet file with columns {', '.join(wanted)}") from None
    names = np.array(table["symbol"].to_list(), dtype=str)
    ts_ms = table["ts_ms"].to_numpy().astype(np.int64)
    price = table["price"].to_numpy().astype(np.float64)
    size = table["size"].to_numpy().astype(np.float64)
    found: dict[str, Prints] = {}
    for symbol in np.unique(names).tolist():
        at = np.flatnonzero(names == symbol)
        # In the file's order within a millisecond; a player sends by time.
        at = at[np.argsort(ts_ms[at], kind="stable")]
        found[symbol] = Prints(ts_ms[at], price[at], size[at], np.zeros(len(at), np.int8))
    return found
