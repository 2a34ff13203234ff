"""The numbers a value can be, as an interval with open or closed ends."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """`low` to `high`; an open end is no part of it. The default is every number."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def meet(self, other: Range) -> Range:
        """Return the numbers that are in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high = min(self.high, other.high)
        high_open = any(r.high_open for r in (self, other) if r.high == high)
        return Range(low, high, low_open, high_open)

    def covers(self, other: Range) -> bool:
        """Return whether every number of the other range is in this one."""
        low_fits = self.low < other.low or (self.low == other.low and (other.low_open or not self.low_open))
        high_fits = self.high > other.high or (self.high == other.high and (other.high_open or not self.high_open))
        return low_fits and high_fits

    def is_below(self, other: Range) -> bool:
        """Return whether every number of this range is less than every number of the other."""
        return self.high < other.low or (self.high == other.low and (self.high_open or other.low_open))


ANY = Range()
POSITIVE = Range(low=0.0, low_open=True)
"""A price."""
NOT_NEGATIVE = Range(low=0.0)
PERCENT = Range(0.0, 100.0)
PLUS_MINUS_HUNDRED = Range(-100.0, 100.0)
MINUS_HUNDRED_TO_ZERO = Range(-100.0, 0.0)
"""Williams %R."""
