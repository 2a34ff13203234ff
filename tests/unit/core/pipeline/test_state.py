"""PipelineState and the typed outputs of the agents."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from core.pipeline.state import (
    FIELD_OF,
    BiasSignal,
    BiasType,
    MarketData,
    Ohlcv,
    PipelineState,
    RiskDecision,
    StrategySignal,
    TimeframeData,
    TradeSide,
)

AT = datetime(2025, 3, 10, 13, 35, tzinfo=UTC)


def make_state() -> PipelineState:
    return PipelineState(
        pipeline_id="p", execution_id="e", user_id="u", symbol="AAPL", started_at=AT, primary_timeframe="5m"
    )


def make_market_data() -> MarketData:
    candle = Ohlcv(
        started_at=AT,
        open=Decimal("150.10"),
        high=Decimal("151"),
        low=Decimal("150"),
        close=Decimal("150.50"),
        volume=Decimal(1200),
    )
    five = TimeframeData(timeframe="5m", ohlcv=candle, indicators={"RSI_14": 61.25}, candles=(candle,))
    return MarketData(
        symbol="AAPL",
        current_price=Decimal("150.50"),
        volume=Decimal(1200),
        timeframes={"5m": five},
        observed_at=AT,
    )


def plan(**changes: object) -> dict[str, object]:
    return {
        "action": "buy",
        "conviction": 85,
        "timeframe": "5m",
        "entry_price": "150.50",
        "stop_loss": "148.00",
        "target_1": "154.25",
        "target_2": "158.00",
        "risk_reward_ratio": 1.5,
        "reasoning": "golden cross",
        "decided_at": AT,
        **changes,
    }


def test_a_state_survives_json_with_its_decimals() -> None:
    bias = BiasSignal(bias=BiasType.BULLISH, confidence=72.5, reasoning="trend", decided_at=AT)
    state = make_state().with_output("node-2", make_market_data()).with_output("node-3", bias)
    back = PipelineState.model_validate_json(state.model_dump_json())
    assert back == state
    assert back.market_data is not None
    assert back.market_data.current_price == Decimal("150.50")
    assert back.produced_by == {"market_data": "node-2", "bias": "node-3"}


def test_an_output_makes_a_new_state_and_leaves_the_old_one_alone() -> None:
    before = make_state()
    after = before.with_output("node-2", make_market_data())
    assert not before.has("market_data")
    assert after.has("market_data")
    assert after.get_timeframe_data("5m") is not None
    assert after.get_timeframe_data("1h") is None


def test_every_output_has_its_field_in_the_state() -> None:
    assert set(FIELD_OF.values()) <= set(PipelineState.model_fields)


def test_the_example_plan_risks_two_fifty_a_share() -> None:
    assert StrategySignal.model_validate(plan()).risk_per_unit == Decimal("2.50")


@pytest.mark.parametrize(
    "changes",
    [
        {"stop_loss": "151.00"},
        {"target_1": "150.00"},
        {"target_1": "150.50"},
        {"target_2": "152.00"},
        {"action": "sell"},
        {"entry_price": None},
        {"entry_price": "0"},
        {"conviction": 101},
        {"decided_at": "2025-03-10T13:35:00"},
    ],
)
def test_a_plan_with_a_level_on_the_wrong_side_is_no_plan(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StrategySignal.model_validate(plan(**changes))


def test_hold_needs_no_prices() -> None:
    signal = StrategySignal(action=TradeSide.HOLD, conviction=10, timeframe="5m", reasoning="flat", decided_at=AT)
    assert signal.risk_per_unit == 0


def test_a_rejected_trade_has_no_size_and_an_approved_one_has() -> None:
    for approved, size in ((False, 5), (True, 0)):
        with pytest.raises(ValidationError, match="position_size"):
            RiskDecision(
                approved=approved,
                position_size=Decimal(size),
                account_risk_pct=1,
                position_risk_amount=Decimal(1),
                reasoning="",
                decided_at=AT,
            )


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="mood"):
        BiasSignal.model_validate(
            {"bias": "bullish", "confidence": 1, "reasoning": "", "decided_at": AT, "mood": "good"}
        )
