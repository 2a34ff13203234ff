"""Stop and targets, computed: no model's number becomes an order's price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agents.instrument import Instrument
from core.errors import BadModelOutput
from core.numbers import to_step
from core.pipeline.state import TradeSide

FIRST_TARGET = Decimal("1.5")
SECOND_TARGET = Decimal(3)
"""Of the risk."""
_BEYOND_LEVEL = Decimal("0.1")
"""Of ATR_14: how far beyond the level the stop stands."""
_NEAR_MARKET = Decimal("0.5")
"""Of ATR_14, or a thousandth of the price: how far an entry may be from the market."""


@dataclass(frozen=True, slots=True)
class Levels:
    entry: Decimal
    stop: Decimal
    target_1: Decimal
    target_2: Decimal

    @property
    def risk_reward(self) -> Decimal:
        return abs(self.target_1 - self.entry) / abs(self.entry - self.stop)


def check_entry(entry: Decimal, *, price: Decimal, atr: Decimal) -> None:
    """Raise `BadModelOutput` for an entry far from the market."""
    reach = max(_NEAR_MARKET * atr, price / 1000)
    if abs(entry - price) > reach:
        raise BadModelOutput(
            f"entry_price {entry} is far from the market at {price}; it must be within {reach:.6g} of it"
        )


def atr_stop(side: TradeSide, entry: Decimal, atr: Decimal, multiple: Decimal) -> Decimal:
    return entry - multiple * atr if side is TradeSide.BUY else entry + multiple * atr


def level_stop(side: TradeSide, entry: Decimal, level: Decimal, atr: Decimal) -> Decimal:
    """Return a stop a little beyond the level.

    Raises:
        BadModelOutput: the level is not on the losing side of the entry.
    """
    if (level >= entry) if side is TradeSide.BUY else (level <= entry):
        side_word = "below" if side is TradeSide.BUY else "above"
        raise BadModelOutput(f"invalidation_level {level} must be {side_word} the entry {entry} for a {side.value}")
    return level - _BEYOND_LEVEL * atr if side is TradeSide.BUY else level + _BEYOND_LEVEL * atr


def levels(
    side: TradeSide, entry: Decimal, stop: Decimal, *, risk_reward_min: Decimal, instrument: Instrument
) -> Levels:
    """Return entry, stop and targets on the instrument's price steps.

    The first target is 1.5 times the risk away, or as far as the least risk/reward asks; the second twice that.

    Raises:
        BadModelOutput: on these steps no stop or target of a positive price is left.
    """
    sign = 1 if side is TradeSide.BUY else -1
    entry, stop = instrument.round_price(entry), instrument.round_price(stop)
    tick = instrument.price_step(entry)
    if abs(entry - stop) < tick:
        stop = entry - sign * tick
    risk = abs(entry - stop)
    first = max(FIRST_TARGET, risk_reward_min)
    made = Levels(
        entry=entry,
        stop=stop,
        target_1=_away(entry, sign * first * risk, tick, sign),
        target_2=_away(entry, sign * first * (SECOND_TARGET / FIRST_TARGET) * risk, tick, sign),
    )
    if min(made.stop, made.target_1, made.target_2) <= 0 or sign * (entry - stop) <= 0:
        raise BadModelOutput(f"no {side.value} at {entry} with a stop at {stop} is possible")
    return made


def _away(entry: Decimal, distance: Decimal, tick: Decimal, sign: int) -> Decimal:
    """Return the price a distance from the entry, rounded away from it: the ratio is never less than asked."""
    return entry + sign * to_step(abs(distance), tick, "up")
