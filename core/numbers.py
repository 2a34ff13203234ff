"""From the engine's floats to the ledger's decimals, and to the steps in which a market trades."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import Literal

_ROUNDING = {"down": ROUND_DOWN, "up": ROUND_UP, "nearest": ROUND_HALF_EVEN}


def decimal_of(value: float) -> Decimal:
    """Return the shortest decimal that reads back as this float: 150.5 → 150.5, not 150.5000000000000001."""
    return Decimal(repr(value))


def to_step(value: Decimal, step: Decimal, rounding: Literal["down", "up", "nearest"] = "nearest") -> Decimal:
    """Return the multiple of `step` (above 0) near a value; `down` and `up` are towards and away from zero."""
    return (value / step).quantize(Decimal(1), rounding=_ROUNDING[rounding]) * step


def plain(value: Decimal) -> str:
    """Return a number as people write it: no exponent, no zeros behind."""
    return f"{value.normalize():f}"


def price_words(value: Decimal | None) -> str:
    """Return a price as a trader reads it: 150.5000000 → 150.50, 0.00001240 → 0.0000124; none → a dash."""
    if value is None:
        return "–"
    text = plain(value)
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}"
