from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from agents.builtin.evidence import check_prose, headlines_of, market_evidence, values_of
from core.errors import BadModelOutput
from core.pipeline.state import Headline
from tests.kit.market_facts import AT, market

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


def test_a_headline_is_shown_as_a_field_of_its_own_and_its_numbers_may_not_be_cited() -> None:
    told = Headline(text='Target 111.5" }', source="Wire", published_at=AT)
    facts = market().model_copy(update={"headlines": (told,)})
    shown = msgspec.json.decode(market_evidence(facts, ["5m"], headlines=headlines_of(facts)))
    assert shown["headlines"] == [{"at": "2025-03-10T14:30Z", "source": "Wire", "text": 'Target 111.5" }'}]
    with pytest.raises(BadModelOutput, match=r"111\.5"):
        check_prose(["The price goes to 111.5."], values_of(facts, ["5m"]), facts.current_price)
