"""The forms of the four triggers. What is allowed is decided by `engine.grammar`, which knows more."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from core.catalog.metadata import AgentSettings
from engine.condition import Operator, Session, Timeframe

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Field_ = Literal["price", "open", "high", "low", "close", "volume", "vwap"]
PriceOperator = Literal[">", ">=", "<", "<=", "crosses_above", "crosses_below"]
Signal = Literal["bullish_crossover", "bearish_crossover", "golden_cross", "death_cross"]


class LifeSpan(AgentSettings):
    """What all four triggers have in common."""

    cooldown_seconds: int = Field(
        default=0, ge=0, title="Cooldown (seconds)", description="Least time between two firings."
    )
    max_firings_per_session: int | None = Field(
        default=None, ge=1, title="Most firings a session", description="Empty: no limit."
    )
    max_firings: int | None = Field(
        default=None, ge=1, title="Most firings in all", description="The trigger expires after them."
    )
    valid_from: AwareDatetime | None = Field(
        default=None, title="Valid from", description="With offset, e.g. 2025-03-10T09:30:00-04:00."
    )
    valid_until: AwareDatetime | None = Field(
        default=None, title="Valid until", description="The trigger is expired from this moment on."
    )


class Hold(AgentSettings):
    model_config = ConfigDict(title="Hold")

    seconds: float | None = Field(default=None, gt=0, title="Seconds")
    trades: int | None = Field(default=None, ge=1, title="Trades", description="With evaluation by tick.")
    candles: int | None = Field(
        default=None, ge=1, title="Candles", description="With evaluation at the candle's close."
    )


class MarketTrigger(LifeSpan):
    """What the two triggers that watch the tape have in common."""

    timeframe: Timeframe | None = Field(
        default=None, title="Timeframe", description="Empty: the pipeline's primary timeframe."
    )
    evaluate: Literal["tick", "candle_close"] = Field(
        default="tick",
        title="Evaluate",
        description="tick: after every trade, with forming candles. candle_close: with closed candles only.",
    )
    fire: Literal["once_per_candle", "every_edge", "once"] = Field(
        default="once_per_candle", title="Fire", description="How often it may fire."
    )
    session: Session = Field(
        default="regular", title="Session", description="extended: with pre-market and after hours."
    )
    hold: Hold | None = Field(
        default=None, title="Hold", description="The condition must stay true this long; give one of three."
    )
    rearm: Literal["on_false", "next_session", "manual"] = Field(
        default="on_false", title="Re-arm", description="When it may fire again after a firing."
    )
    after_gap: Literal["baseline", "fire"] = Field(
        default="baseline",
        title="After a gap",
        description="fire: a condition that became true while the feed was away fires when it is back.",
    )
    require_stable: bool = Field(
        default=False,
        title="Wait for stable indicators",
        description="Indicators count as unknown until their start no longer shows.",
    )


class PriceTriggerSettings(MarketTrigger):
    model_config = ConfigDict(title="Price trigger")

    operand: Field_ = Field(default="price", title="Watch", description="A field of the candle, or the price.")
    operator: PriceOperator = Field(title="Operator")
    value: float = Field(title="Value", description="The threshold, in the unit of what is watched.")
    hysteresis: float | None = Field(
        default=None, ge=0, title="Hysteresis", description="How far it must come back before it is over."
    )


class Comparison(AgentSettings):
    model_config = ConfigDict(title="Comparison")

    indicator: str = Field(
        title="Indicator", description='Such as RSI, SMA_50@1h, MACD.histogram.', examples=["RSI", "SMA_50"]
    )  # fmt: skip
    operator: Operator = Field(title="Operator")
    value: Annotated[float, Field(title="Number")] | Annotated[str, Field(title="Operand")] = Field(
        title="Value", description='A number, or another operand such as "SMA_50@1h".'
    )
    timeframe: Timeframe | None = Field(default=None, title="Timeframe", description="Empty: the trigger's.")


class SignalCondition(AgentSettings):
    model_config = ConfigDict(title="Signal")

    indicator: Literal["MACD", "STOCH", "SMA", "EMA"] = Field(title="Indicator")
    signal: Signal = Field(title="Signal")
    timeframe: Timeframe | None = Field(default=None, title="Timeframe", description="Empty: the trigger's.")


class TechnicalTriggerSettings(MarketTrigger):
    model_config = ConfigDict(title="Technical trigger")

    conditions: list[Comparison | SignalCondition] = Field(
        min_length=1, max_length=64, title="Conditions", description="What must be true."
    )
    logic: Literal["AND", "OR"] = Field(default="AND", title="Logic", description="AND: all of them. OR: one of them.")


class ScheduleSettings(AgentSettings):
    missed: Literal["skip", "run_once"] = Field(
        default="skip", title="When missed", description="run_once: fire late, once, instead of not at all."
    )
    missed_grace_seconds: int = Field(
        default=60, ge=0, title="Grace (seconds)", description="Later than this counts as missed."
    )


class MarketHoursSchedule(ScheduleSettings):
    model_config = ConfigDict(title="Market hours")

    type: Literal["market_hours"]
    market: str = Field(default="US", title="Market", description="US, or an exchange code such as XLON.")
    event: Literal["open", "close"] = Field(default="open", title="Event")
    offset_minutes: int = Field(
        default=0, ge=-720, le=720, title="Offset (minutes)", description="Negative: before the event."
    )


class SpecificTimeSchedule(ScheduleSettings):
    model_config = ConfigDict(title="Specific time")

    type: Literal["specific_time"]
    time: str = Field(title="Time", pattern=r"^\d{2}:\d{2}(:\d{2})?$", description="24 hours, e.g. 09:45.")
    timezone: str = Field(title="Time zone", description="e.g. America/New_York.")
    days: list[Weekday] = Field(default=[], title="Days", description="None chosen: every day.")
    date: str | None = Field(default=None, title="Date", description="A single day instead, e.g. 2025-03-10.")
    market: str | None = Field(default=None, title="Market", description="When given, only days on which it is open.")


class CronSchedule(ScheduleSettings):
    model_config = ConfigDict(title="Cron")

    type: Literal["cron"]
    expression: str = Field(title="Expression", description="minute hour day month weekday, e.g. */15 9-15 * * 1-5.")
    timezone: str = Field(title="Time zone", description="e.g. America/New_York.")
    market: str | None = Field(default=None, title="Market", description="When given, only days on which it is open.")


class TimeTriggerSettings(LifeSpan):
    model_config = ConfigDict(title="Time trigger")

    schedule: Annotated[MarketHoursSchedule | SpecificTimeSchedule | CronSchedule, Field(discriminator="type")] = Field(
        title="Schedule"
    )


class NewsMatchSettings(AgentSettings):
    model_config = ConfigDict(title="Match")

    all: list[str] = Field(default=[], title="All of", description="Whole words in headline or summary.")
    any: list[str] = Field(default=[], title="Any of")
    none: list[str] = Field(default=[], title="None of")


class NewsTriggerSettings(LifeSpan):
    model_config = ConfigDict(title="News trigger")

    match: NewsMatchSettings | None = Field(
        default=None, title="Match", description="Nothing given: every item about the symbol."
    )
    sources: list[str] = Field(default=[], title="Sources", description="None given: all of them.")
    max_age_minutes: int = Field(
        default=30, ge=1, title="Age limit (minutes)", description="Items published before are not news."
    )
