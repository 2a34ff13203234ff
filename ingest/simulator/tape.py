"""The synthetic tape: prints of any minute of any symbol, as a pure function of seed, symbol and minute.

Looks like a market: arrivals cluster, volume has the U shape of a session, activity and swings have regimes, odd
lots and extended-hours prints carry their codes, and now and then a minute bursts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.sessions import Calendars
from ingest.simulator.listing import DAY, HOUR, MINUTE, Listing
from ingest.simulator.noise import normal, smooth, uniform

_MOST_A_MINUTE = 2_000
_CLUSTERS = 4
_EXTENDED_ACTIVITY = 0.06
_HALF_SPREAD_BPS = 0.8

CODES: tuple[tuple[str, ...] | None, ...] = (
    None, ("1",), ("1", "12"), ("1", "8"), ("1", "8", "12"), ("1", "24"), ("1", "24", "12"),
)  # fmt: skip
"""What `Prints.codes` points into."""
SETS_PRICE = np.array([codes is None or "12" not in codes or "24" in codes for codes in CODES])
"""Whether a print with these codes sets a price: an odd lot does not in regular hours (T15)."""


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """Columns of one length, sorted by time: ts_ms int64, price and size float64, codes int8 (see CODES)."""

    ts_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    codes: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ts_ms)

    def between(self, from_ms: int, to_ms: int) -> Prints:
        """Return the prints of [from_ms, to_ms)."""
        low, high = np.searchsorted(self.ts_ms, (from_ms, to_ms)).tolist()
        return self.where(slice(low, high))

    def where(self, kept: slice | NDArray[np.bool_]) -> Prints:
        return Prints(self.ts_ms[kept], self.price[kept], self.size[kept], self.codes[kept])


class SyntheticTape:
    """`prints` of the same minutes are the same whoever asks, and in whatever order."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._calendars = Calendars()

    def prints(self, listing: Listing, from_minute: int, to_minute: int) -> Prints:
        """Return all prints of minutes [from_minute, to_minute), both multiples of 60,000 ms."""
        minutes = np.arange(from_minute, to_minute, MINUTE, dtype=np.int64)
        activity, is_regular = self._activity(listing, minutes)
        counts = self._counts(listing, minutes, activity)
        owner = np.repeat(np.arange(len(minutes)), counts)
        nth = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        where = minutes[owner] * 4096 + nth
        ts_ms = self._times(listing, minutes[owner], where)
        order = np.argsort(ts_ms, kind="stable")
        ts_ms, where, regular = ts_ms[order], where[order], is_regular[owner][order]
        return Prints(ts_ms, self._prices(listing, ts_ms, where), *self._sizes(listing, where, regular))

    def path(self, listing: Listing, times_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the price between bid and ask at any times: smooth waves of many periods, in basis points."""
        total = np.zeros(len(times_ms))
        # Regimes: the fast waves swell and calm down over the hours.
        swell = np.exp(0.4 * smooth(self._key(listing, 99), times_ms, 2 * HOUR))
        for number, (period, size) in enumerate(listing.waves):
            wave = size * smooth(self._key(listing, 10 + number), times_ms, period)
            total += wave * swell if period < HOUR else wave
        return listing.level * np.exp(total / 10_000)

    def _key(self, listing: Listing, salt: int) -> int:
        return (self._seed << 40) ^ (listing.key << 8) ^ salt

    def _activity(self, listing: Listing, minutes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return expected trades a minute as a share of the usual, and whether the minute is regular."""
        if listing.is_coin:
            of_day = 1.0 + 0.3 * np.sin(2 * np.pi * (minutes % DAY) / DAY)
            return of_day, np.ones(len(minutes), np.bool_)
        if len(minutes) == 0:
            return np.zeros(0), np.zeros(0, np.bool_)
        activity = np.zeros(len(minutes))
        is_regular = np.zeros(len(minutes), np.bool_)
        span = int(minutes[0]), int(minutes[-1]) + MINUTE
        for opens, closes in self._calendars.bounds(listing.symbol, "extended", *span).tolist():
            activity[(minutes >= opens) & (minutes < closes)] = _EXTENDED_ACTIVITY
        for opens, closes in self._calendars.bounds(listing.symbol, "regular", *span).tolist():
            inside = (minutes >= opens) & (minutes < closes)
            x = 2.0 * (minutes[inside] - opens) / (closes - opens) - 1.0
            activity[inside] = 0.7 + 1.6 * x**4
            is_regular |= inside
        return activity, is_regular

    def _counts(self, listing: Listing, minutes: NDArray[np.int64], activity: NDArray[np.float64]) -> NDArray[np.int64]:
        regime = np.exp(0.5 * smooth(self._key(listing, 1), minutes, 20 * MINUTE))
        burst = np.where(uniform(self._key(listing, 2), minutes) < 0.01, 4.0, 1.0)
        mean = listing.per_minute * activity * regime * burst
        # Poisson by its normal approximation, good enough for a count and free of a draw in order.
        drawn = np.rint(mean + np.sqrt(mean) * normal(self._key(listing, 3), minutes))
        return np.clip(drawn, 0, _MOST_A_MINUTE).astype(np.int64)

    def _times(self, listing: Listing, minutes: NDArray[np.int64], where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return arrival times: half of the prints follow one of a minute's few sparks, as real ones do."""
        alone = uniform(self._key(listing, 4), where) * MINUTE
        spark = uniform(self._key(listing, 5), minutes * 8 + where % _CLUSTERS) * MINUTE
        after = -np.log(uniform(self._key(listing, 6), where)) * 250.0
        follows = uniform(self._key(listing, 7), where) < 0.5
        offset = np.where(follows, np.minimum(spark + after, MINUTE - 1), alone)
        return minutes + offset.astype(np.int64)

    def _prices(self, listing: Listing, ts_ms: NDArray[np.int64], where: NDArray[np.int64]) -> NDArray[np.float64]:
        side = np.where(uniform(self._key(listing, 8), where) < 0.5, -1.0, 1.0)
        raw = self.path(listing, ts_ms) * (1.0 + side * _HALF_SPREAD_BPS / 10_000)
        digits = round(-np.log10(listing.tick))
        return np.round(np.maximum(np.round(raw / listing.tick), 1.0) * listing.tick, digits)

    def _sizes(
        self, listing: Listing, where: NDArray[np.int64], is_regular: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Return sizes and codes: of equity prints about three of four are odd lots."""
        spread = normal(self._key(listing, 9), where)
        if listing.is_coin:
            return np.round(2_000.0 / listing.level * np.exp(1.2 * spread), 5) + 1e-5, np.zeros(len(where), np.int8)
        is_odd = uniform(self._key(listing, 50), where) < 0.75
        sweep = uniform(self._key(listing, 51), where) < 0.2
        odd = np.clip(np.rint(np.exp(2.4 + 1.2 * spread)), 1, 99)
        size = np.where(is_odd, odd, 100.0 * np.clip(np.rint(np.exp(0.7 * spread)), 1, 50))
        regular = np.where(is_odd, np.where(sweep, 4, 2), np.where(sweep, 3, 1))
        codes = np.where(is_regular, regular, np.where(is_odd, 6, 5))
        return size, codes.astype(np.int8)
