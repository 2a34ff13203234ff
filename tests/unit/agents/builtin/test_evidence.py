from __future__ import annotations

from decimal import Decimal

import pytest

from agents.builtin.evidence import check_prose, market_evidence, values_of
from core.errors import BadModelOutput
from tests.kit.market_facts import market

PRICE = Decimal("64000.5")
KNOWN = [64000.5, 63804.51, 64011.7]


def test_a_price_that_stands_in_the_evidence_passes_rounded_as_it_is_written() -> None:
    check_prose(["Support at 63,804.5 and resistance near 64,012."], KNOWN, PRICE)


def test_an_invented_price_is_refused_by_name() -> None:
    with pytest.raises(BadModelOutput, match="65,250"):
        check_prose(["Resistance at 65,250 caps the move."], KNOWN, PRICE)


def test_periods_percentages_and_ratios_are_no_prices() -> None:
    check_prose(["RSI_14 above 70, 85 % sure, 3:1, the 200 period average, 64000.5"], KNOWN, PRICE)
    check_prose(["SMA 50 holds, 60% of candles rose"], [51.2], Decimal("51.2"))


def test_what_a_crew_is_shown_is_what_it_may_cite() -> None:
    facts = market()
    shown = market_evidence(facts, ["5m"])
    for value in list(values_of(facts, ["5m"]))[:3]:
        assert f"{value:.8g}" in shown
