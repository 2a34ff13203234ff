"""Settings of the agents that act: risk manager, trade manager, reporting.

Percentages are of the account's equity and are floats in the form; the risk rules read them as Decimal.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from core.catalog.analysis import ModelSettings
from core.catalog.metadata import AgentSettings


class RiskManagerSettings(AgentSettings):
    model_config = ConfigDict(title="Risk manager")

    risk_per_trade_pct: float = Field(
        default=2, gt=0, le=10, title="Risk a trade (%)", description="Lost when the stop is hit."
    )
    max_position_pct: float = Field(
        default=10, gt=0, le=100, title="Largest position (%)", description="Value of one new position."
    )
    max_symbol_exposure_pct: float = Field(
        default=20, gt=0, le=100, title="Most in one symbol (%)", description="With what is already held."
    )
    max_total_exposure_pct: float = Field(
        default=100, gt=0, le=400, title="Most in all (%)", description="Value of all positions."
    )
    min_risk_reward: float = Field(
        default=1.5, ge=0.5, le=10, title="Minimum risk/reward", description="A plan with less is rejected."
    )
    max_open_positions: int = Field(default=10, ge=1, le=1000, title="Most open positions")
    daily_loss_stop_pct: float = Field(
        default=5, gt=0, le=100, title="Daily loss stop (%)", description="No new trade after this loss."
    )
    drawdown_halt_pct: float = Field(
        default=20,
        gt=0,
        le=100,
        title="Drawdown halt (%)",
        description="No new trade this far below the account's best.",
    )


class TradeManagerSettings(AgentSettings):
    model_config = ConfigDict(title="Trade manager")

    broker: Literal["paper", "alpaca"] = Field(
        default="paper", title="Broker", description="paper: the built-in simulation. Never live by itself."
    )
    order_type: Literal["market", "limit"] = Field(
        default="market", title="Entry order", description="limit: at the plan's entry price."
    )
    time_in_force: Literal["day", "gtc"] = Field(default="day", title="Time in force")
    first_target_pct: float = Field(
        default=50,
        ge=0,
        le=100,
        title="Share closed at target 1 (%)",
        description="The rest is closed at target 2.",
    )
    fill_timeout_seconds: int = Field(
        default=30, ge=1, le=600, title="Wait for the fill (seconds)", description="Then it is cancelled."
    )


class ReportingSettings(ModelSettings):
    model_config = ConfigDict(title="Reporting")

    detail: Literal["short", "full"] = Field(
        default="full", title="Detail", description="full: with the reasoning of every step."
    )
    notify: bool = Field(default=True, title="Notify", description="Tell the user when it is ready.")
