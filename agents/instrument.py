"""In which steps a symbol is quoted and traded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.numbers import to_step


@dataclass(frozen=True, slots=True)
class Instrument:
    """A bare symbol is a US share: whole shares. One with an exchange prefix is traded in fractions."""

    symbol: str

    @property
    def is_share(self) -> bool:
        return ":" not in self.symbol

    @property
    def quantity_step(self) -> Decimal:
        return Decimal(1) if self.is_share else Decimal("0.000001")

    def price_step(self, price: Decimal) -> Decimal:
        """Return the increment at a price: a cent, finer below one dollar and for cheap coins."""
        coarse = 1 if self.is_share else 100
        return Decimal("0.01") if price >= coarse else Decimal("0.0001")

    def round_price(self, price: Decimal) -> Decimal:
        return to_step(price, self.price_step(price))

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Round down: never more than was allowed."""
        return to_step(quantity, self.quantity_step, "down")
