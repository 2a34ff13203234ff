"""Candles that indicators are tried on: walks, rests, jumps, extremes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from tests.oracle.candle import Candle

MINUTE = 60_000
STEP = 1 / 64
"""Prices are multiples of a power of two: then TA-Lib's running sums are exact and leave nothing behind."""


def candle(at: int, prices: list[float], volume: float) -> Candle:
    """Return the candle of minute `at` with these prices, each traded as much as the others."""
    return Candle(
        ts_ms=at * MINUTE,
        end_ms=(at + 1) * MINUTE,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=volume,
        vwap=sum(prices) / len(prices) if volume else math.nan,
        trades=len(prices),
    )


def walk(seed: int, count: int = 200, scale: float = 1.0) -> list[Candle]:
    """Return candles of a walk that goes up and down, rests for a while, and jumps now and then."""
    chance = random.Random(seed)
    price, rests, found = 100.0, 0, list[Candle]()
    for at in range(count):
        if rests == 0 and chance.random() < 0.02:
            rests = chance.randint(3, 40)
        rests = max(0, rests - 1)
        prices: list[float] = []
        for _ in range(1 if rests else chance.randint(1, 6)):
            if not rests:
                jump = 20.0 if chance.random() < 0.01 else 0.5
                price = max(1.0, round((price + chance.gauss(0, jump)) / STEP) * STEP)
            prices.append(price * scale)
        found.append(candle(at, prices, float(chance.choice((0, 1, 100, 12_345)) if rests else chance.randint(1, 900))))
    return found


def ties(seed: int) -> list[Candle]:
    """Return candles on four prices only: most extremes, closes and changes are equal to another."""
    chance = random.Random(seed)
    return [candle(at, chance.choices((8.0, 8.5, 9.0, 9.5), k=chance.randint(1, 3)), 4.0) for at in range(80)]


def of_closes(closes: list[float]) -> list[Candle]:
    """Return candles without a range."""
    return [candle(at, [close], 100.0) for at, close in enumerate(closes)]


TAPES: dict[str, list[Candle]] = {
    **{f"walk {seed}": walk(seed) for seed in range(6)},
    **{f"ties {seed}": ties(seed) for seed in range(3)},
    "lower highs on one low": [candle(at, [5.0, 9.0 - at / 8], 3.0) for at in range(30)],
    "huge": walk(7, scale=2.0**30),
    "tiny": walk(8, scale=2.0**-10),
    "short": walk(9, count=12),
    "none": [],
    "one": walk(10, count=1),
    "up": of_closes([1.0 + at for at in range(150)]),
    "down": of_closes([200.0 - at for at in range(150)]),
    "to and fro": of_closes([100.0 + at % 2 for at in range(150)]),
    "flat": of_closes([77.5] * 60),
    "flat, then moving": of_closes([77.5] * 60) + walk(11)[60:],
    "moving, then flat": walk(12)[:60] + [candle(at, [50.0], 10.0) for at in range(60, 110)],
    "one spike": [candle(at, [1e4 if at == 70 else 100.0, 100.0 + at % 3], 5.0) for at in range(150)],
}


def assert_same(
    mine: Sequence[float], theirs: Sequence[float], *, scale: float = 1.0, is_zero_unknown: bool = False
) -> None:
    """Compare to 1e-9 of the number and of the scale; with `is_zero_unknown` mine may be NaN for their 0/0."""
    assert len(mine) == len(theirs)
    for at, (a, b) in enumerate(zip(mine, theirs, strict=True), start=1):
        if math.isnan(a):
            assert is_zero_unknown or not math.isfinite(b), f"candle {at}: nothing, not {b}"
        else:
            assert a == pytest.approx(b, rel=1e-9, abs=1e-9 * scale), f"candle {at}"
