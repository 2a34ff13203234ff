"""The page of indicators is what the registry says, and each of them says where its formula is from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.indicators.definition import IndicatorDef
from engine.indicators.page import page
from engine.indicators.registry import INDICATORS

PAGE = Path(__file__).parents[3] / "docs" / "indicators.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m engine.indicators.page > docs/indicators.md"


@pytest.mark.parametrize("definition", INDICATORS.values(), ids=lambda d: d.name)
def test_an_indicator_says_what_it_is_and_where_its_formula_is_from(definition: IndicatorDef) -> None:
    assert definition.summary.endswith(".")
    assert definition.formula != "TA-Lib "
    assert not (definition.deviation and not definition.talib_name)
