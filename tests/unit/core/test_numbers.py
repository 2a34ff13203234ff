"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.numbers import price_words


@pytest.mark.parametrize(
    ("stored", "shown"),
    [("150.5000000", "150.50"), ("64000", "64000.00"), ("1E+2", "100.00"), ("0.00001240", "0.0000124"), ("0", "0.00")],
)
def test_a_price_has_its_cents_and_no_zeros_behind_them(stored: str, shown: str) -> None:
    assert price_words(Decimal(stored)) == shown


def test_a_price_that_is_not_there_is_a_dash() -> None:
    assert price_words(None) == "–"
