"""The table of the ten agent types."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core.catalog.analysis import BiasSettings, MarketDataSettings, StrategySettings
from core.catalog.metadata import AgentMetadata, AgentSettings
from core.catalog.trading import ReportingSettings, RiskManagerSettings, TradeManagerSettings

_ALL = (
    AgentMetadata(
        agent_type="time_trigger",
        name="Time trigger",
        description="Starts at market open or close, at a time of day, or by a cron expression.",
        category="trigger",
        icon="schedule",
        pricing_rate=Decimal("0"),
        config_model=AgentSettings,
        produces=("trigger",),
    ),
    AgentMetadata(
        agent_type="technical_trigger",
        name="Technical trigger",
        description="Starts when conditions on indicators become true, on any timeframe.",
        category="trigger",
        icon="show_chart",
        pricing_rate=Decimal("0.02"),
        config_model=AgentSettings,
        produces=("trigger",),
    ),
    AgentMetadata(
        agent_type="price_trigger",
        name="Price trigger",
        description="Starts when the price passes a level.",
        category="trigger",
        icon="price_change",
        pricing_rate=Decimal("0.01"),
        config_model=AgentSettings,
        produces=("trigger",),
    ),
    AgentMetadata(
        agent_type="news_trigger",
        name="News trigger",
        description="Starts when news about the symbol contains words you name.",
        category="trigger",
        icon="newspaper",
        pricing_rate=Decimal("0.02"),
        config_model=AgentSettings,
        produces=("trigger",),
    ),
    AgentMetadata(
        agent_type="market_data_agent",
        name="Market data",
        description="Fetches the price, candles and indicators that later steps read.",
        category="data",
        icon="candlestick_chart",
        pricing_rate=Decimal("0.02"),
        config_model=MarketDataSettings,
        consumes=("trigger",),
        produces=("market_data",),
    ),
    AgentMetadata(
        agent_type="bias_agent",
        name="Bias",
        description="Three analysts agree whether the market leans up, down or neither.",
        category="analysis",
        icon="explore",
        pricing_rate=Decimal("0.08"),
        config_model=BiasSettings,
        consumes=("market_data",),
        produces=("bias",),
        uses_llm=True,
    ),
    AgentMetadata(
        agent_type="strategy_agent",
        name="Strategy",
        description="Four analysts propose a trade with entry, stop and two targets, or none.",
        category="analysis",
        icon="strategy",
        pricing_rate=Decimal("0.10"),
        config_model=StrategySettings,
        consumes=("market_data", "bias"),
        produces=("strategy",),
        uses_llm=True,
    ),
    AgentMetadata(
        agent_type="risk_manager_agent",
        name="Risk manager",
        description="Sizes the trade by your limits, or rejects it. Computed, not asked of a model.",
        category="risk",
        icon="shield",
        pricing_rate=Decimal("0.05"),
        config_model=RiskManagerSettings,
        consumes=("strategy",),
        produces=("risk",),
    ),
    AgentMetadata(
        agent_type="trade_manager_agent",
        name="Trade manager",
        description="Sends an approved trade to the broker, with its stop and targets.",
        category="execution",
        icon="swap_horiz",
        pricing_rate=Decimal("0.05"),
        config_model=TradeManagerSettings,
        consumes=("strategy", "risk"),
        produces=("trade",),
    ),
    AgentMetadata(
        agent_type="reporting_agent",
        name="Reporting",
        description="Writes the report: what fired, what each step concluded, what was traded.",
        category="reporting",
        icon="description",
        pricing_rate=Decimal("0.03"),
        config_model=ReportingSettings,
        consumes=("trigger",),
        produces=("report",),
        uses_llm=True,
    ),
)

AGENTS: Mapping[str, AgentMetadata] = {agent.agent_type: agent for agent in _ALL}
"""Every agent type, in the order of the builder's palette."""
