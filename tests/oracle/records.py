"""What stands in the log, one record after another: the oracle's input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Trade:
    symbol: str
    ts_ms: int
    recv_ms: int
    price: float
    size: float
    sets_last: bool = True
    sets_high_low: bool = True
    counts_volume: bool = True
    codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Mark:
    """Feed time and health. `symbol_health` holds those symbols whose state differs."""

    feed_ms: int
    recv_ms: int
    health: str = "live"
    gap_ms: int = 0
    symbol_health: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Bar:
    """A closed candle of history."""

    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    trades: int


@dataclass(frozen=True)
class History:
    symbol: str
    session: str
    timeframe: str
    source: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class TriggerText:
    """A trigger as a user writes it: JSON, and what the pipeline adds."""

    agent_type: str
    config: dict[str, Any]
    pipeline_id: str
    node_id: str
    version: int
    symbols: tuple[str, ...]
    primary_timeframe: str = "5m"

    @property
    def trigger_id(self) -> str:
        return f"{self.pipeline_id}/{self.node_id}"


@dataclass(frozen=True)
class Change:
    """`set`, `pause`, `resume` or `remove` at this place of the log. `at_ms`: event time it counts from."""

    action: str
    trigger_id: str
    trigger: TriggerText | None = None
    at_ms: int | None = None


@dataclass(frozen=True)
class News:
    news_id: str
    symbols: tuple[str, ...]
    published_ms: int
    recv_ms: int
    headline: str
    summary: str = ""
    source: str = ""
    url: str = ""


Record = Trade | Mark | History | Change | News
