"""What one execution knows: the typed output of each agent, and the PipelineState that gathers them.

Outputs are frozen and closed (an unknown key is an error). Money and quantities are Decimal, moments are
aware datetimes ending in `_at`, indicator values are floats as the engine computes them. A state is stored
as JSON after each step: `PipelineState.model_validate_json(state.model_dump_json()) == state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from engine.condition import Timeframe

Percent = Annotated[float, Field(ge=0, le=100)]
Price = Annotated[Decimal, Field(gt=0)]
Quantity = Annotated[Decimal, Field(ge=0)]


class TradeSide(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


class BiasType(StrEnum):
    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


class AgentOutput(BaseModel):
    """Base of what an agent may return; which field of the state it becomes follows from its type."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TriggerFact(AgentOutput):
    """The firing that started the execution, in the words of the trigger."""

    firing_id: str
    agent_type: str
    kind: Literal["tick", "candle_close", "hold", "time", "news", "manual"]
    condition: str
    """`fires when RSI(14) of 5m crosses above 70`, with the values it was decided on."""
    price: Price | None
    """The price at the firing; None for a time trigger before any trade."""
    fired_at: AwareDatetime
    decided_at: AwareDatetime


class Ohlcv(AgentOutput):
    """One candle. `vwap` is None where it had no volume."""

    started_at: AwareDatetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    vwap: Price | None = None
    trades: int = Field(default=0, ge=0)
    is_closed: bool = True


class TimeframeData(AgentOutput):
    """What is known of one timeframe."""

    timeframe: Timeframe
    ohlcv: Ohlcv
    """The latest candle, forming or closed."""
    indicators: dict[str, float] = {}
    """By canonical column ("RSI_14", "MACD_12_26_9.line"), of the latest closed candle; warming ones are
    left out."""
    candles: tuple[Ohlcv, ...] = ()
    """Closed candles, oldest first."""


class Headline(AgentOutput):
    """What a feed's news list said of the symbol: foreign text, shortened to one line."""

    text: str = Field(max_length=200)
    source: str = Field(max_length=50)
    published_at: AwareDatetime


class MarketData(AgentOutput):
    symbol: str
    current_price: Price
    bid: Price | None = None
    ask: Price | None = None
    """None where the feed has no quotes."""
    volume: Quantity
    """Of the latest 1d candle, or of the longest timeframe fetched."""
    timeframes: dict[Timeframe, TimeframeData]
    feed: str = ""
    feed_health: str = ""
    """"live", "stale", "disconnected"; "" = not known."""
    headlines: tuple[Headline, ...] = ()
    """Newest first, none published after `observed_at`."""
    observed_at: AwareDatetime


class BiasSignal(AgentOutput):
    bias: BiasType
    confidence: Percent
    reasoning: str
    factors: tuple[str, ...] = ()
    provider: str = ""
    """The model that answered, `rules/v1` for the rules provider."""
    decided_at: AwareDatetime


class StrategySignal(AgentOutput):
    """A complete trade plan, or `hold` without prices.

    A plan has its stop on the losing side of the entry and its targets, in order, on the winning side:
    one that has not is no StrategySignal.
    """

    action: TradeSide
    conviction: Percent
    timeframe: Timeframe
    entry_price: Price | None = None
    stop_loss: Price | None = None
    target_1: Price | None = None
    target_2: Price | None = None
    risk_reward_ratio: float | None = Field(default=None, ge=0)
    """(target_1 - entry) / (entry - stop)."""
    reasoning: str
    technical_factors: tuple[str, ...] = ()
    provider: str = ""
    decided_at: AwareDatetime

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        if self.action is TradeSide.HOLD:
            return self
        levels = (self.stop_loss, self.entry_price, self.target_1, self.target_2)
        stop, entry, first, second = levels
        if stop is None or entry is None or first is None or second is None:
            raise ValueError(f"{self.action} needs entry_price, stop_loss, target_1 and target_2")
        ordered = stop < entry < first <= second if self.action is TradeSide.BUY else stop > entry > first >= second
        if not ordered:
            order = "<" if self.action is TradeSide.BUY else ">"
            raise ValueError(
                f"{self.action} needs stop {order} entry {order} target_1 {order}= target_2; "
                f"found {stop}, {entry}, {first}, {second}"
            )
        return self

    @property
    def risk_per_unit(self) -> Decimal:
        """Return what one unit loses at the stop; 0 for `hold`."""
        if self.entry_price is None or self.stop_loss is None:
            return Decimal(0)
        return abs(self.entry_price - self.stop_loss)


class RuleVerdict(AgentOutput):
    """One risk rule, with the number it was judged on and the number it allows."""

    rule: str
    passed: bool
    found: str
    limit: str
    effect: Literal["none", "reduced", "rejected"] = "none"


class RiskDecision(AgentOutput):
    approved: bool
    adjusted: bool = False
    position_size: Quantity
    """Units to trade; 0 when not approved. Whole shares where the market trades whole shares."""
    account_risk_pct: Percent
    """Of the account's equity, lost at the stop with this size."""
    position_risk_amount: Annotated[Decimal, Field(ge=0)]
    """USD lost at the stop with this size."""
    adjustments_made: str | None = None
    reasoning: str
    rules: tuple[RuleVerdict, ...] = ()
    decided_at: AwareDatetime

    @model_validator(mode="after")
    def _rejected_trades_nothing(self) -> Self:
        if not self.approved and self.position_size != 0:
            raise ValueError(f"a rejected trade has position_size 0; found {self.position_size}")
        if self.approved and self.position_size == 0:
            raise ValueError("an approved trade has a position_size above 0")
        return self


class OrderLeg(AgentOutput):
    """One order as it stands: the entry, the stop, a target."""

    leg: str
    client_order_id: str
    broker_order_id: str | None = None
    side: Literal["buy", "sell"]
    quantity: Quantity
    limit_price: Price | None = None
    stop_price: Price | None = None
    filled_price: Price | None = None
    filled_quantity: Quantity = Decimal(0)
    status: str


class TradeExecution(AgentOutput):
    """What was sent to the broker and what came of it. `status` "not_sent" when there was nothing to trade."""

    order_id: str
    """Our client_order_id of the entry, derived from execution and leg; "" when nothing was sent."""
    broker_order_id: str | None = None
    broker: str
    account: Literal["paper", "live"] = "paper"
    symbol: str
    action: TradeSide
    quantity: Quantity
    requested_price: Price | None = None
    filled_price: Price | None = None
    filled_quantity: Quantity = Decimal(0)
    slippage: Decimal = Decimal(0)
    """USD a unit, filled minus requested for a buy, mirrored for a sell: positive is worse."""
    commission: Decimal = Decimal(0)
    status: Literal["not_sent", "accepted", "partially_filled", "filled", "rejected", "cancelled"]
    reason: str = ""
    """Why it was not sent or not filled."""
    legs: tuple[OrderLeg, ...] = ()
    executed_at: AwareDatetime


class ReportRef(AgentOutput):
    """Where the report is; the report itself is in the `reports` table and the blob store."""

    report_id: str
    summary: str
    url: str | None = None
    provider: str = ""
    created_at: AwareDatetime


FIELD_OF: Mapping[type[AgentOutput], str] = {
    TriggerFact: "trigger",
    MarketData: "market_data",
    BiasSignal: "bias",
    StrategySignal: "strategy",
    RiskDecision: "risk",
    TradeExecution: "trade",
    ReportRef: "report",
}
"""The field of the state that an output becomes; its keys are all the outputs there are."""


class PipelineState(BaseModel):
    """Everything one execution knows so far. `with_output` returns the next state; nothing is changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline_id: str
    pipeline_version: int = 1
    execution_id: str
    user_id: str
    symbol: str
    primary_timeframe: Timeframe = "5m"
    started_at: AwareDatetime
    current_agent: str = ""
    """Id of the node that runs; "" before the first and after the last."""

    trigger: TriggerFact | None = None
    market_data: MarketData | None = None
    bias: BiasSignal | None = None
    strategy: StrategySignal | None = None
    risk: RiskDecision | None = None
    trade: TradeExecution | None = None
    report: ReportRef | None = None
    produced_by: dict[str, str] = {}
    """Field → id of the node it came from."""

    tokens_used: dict[str, int] = {}
    """By node id, input and output together."""
    api_calls: dict[str, int] = {}
    """By service, e.g. "openai", "clickhouse"."""
    agent_runtime_ms: dict[str, int] = {}
    """By node id."""

    halted_by: str | None = None
    """Id of the node after which nothing more is done; the others are recorded as skipped."""
    halt_reason: str = ""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: dict[str, str] = {}

    @property
    def trigger_condition(self) -> str | None:
        return self.trigger.condition if self.trigger else None

    @property
    def timeframes(self) -> Mapping[Timeframe, TimeframeData]:
        return self.market_data.timeframes if self.market_data else {}

    def get_timeframe_data(self, timeframe: Timeframe) -> TimeframeData | None:
        return self.timeframes.get(timeframe)

    def has(self, field: str) -> bool:
        """Return whether the output that is called `field` ("market_data", "bias", …) is there."""
        return field in FIELD_OF.values() and getattr(self, field) is not None

    def with_output(self, node_id: str, output: AgentOutput) -> PipelineState:
        """Return the state with a node's output in its field."""
        field = FIELD_OF[type(output)]
        produced_by = {**self.produced_by, field: node_id}
        return self.model_copy(update={field: output, "produced_by": produced_by})

    def halted(self, node_id: str, reason: str) -> PipelineState:
        """Return the state in which no further node runs."""
        return self.model_copy(update={"halted_by": node_id, "halt_reason": reason})
