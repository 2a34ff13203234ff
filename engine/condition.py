"""What a trigger means once its JSON has been understood: typed, resolved, hashable.

`engine.grammar` makes these from JSON; the matcher and the words shown to people are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Timeframe = Literal["1m", "5m", "15m", "1h", "4h", "1d"]
TIMEFRAMES: tuple[Timeframe, ...] = ("1m", "5m", "15m", "1h", "4h", "1d")
Session = Literal["regular", "extended"]
Evaluate = Literal["tick", "candle_close"]
Fire = Literal["once_per_candle", "every_edge", "once"]
Rearm = Literal["on_false", "next_session", "manual"]
AfterGap = Literal["baseline", "fire"]
Operator = Literal[
    ">", ">=", "<", "<=", "inside", "outside",
    "crosses_above", "crosses_below", "rises_by_pct", "falls_by_pct",
]  # fmt: skip
FIELDS = ("price", "open", "high", "low", "close", "volume", "vwap")


@dataclass(frozen=True, slots=True)
class Operand:
    """A candle field or an indicator output on one timeframe.

    `name` is a FIELD or the indicator's name ("RSI"); `params` its numbers, defaults filled in ((14,));
    `output` "" where there is one output, else "line", "upper", ...; `timeframe` always resolved,
    "" for `price` alone, which belongs to no candle.
    """

    name: str
    params: tuple[float, ...] = ()
    output: str = ""
    timeframe: Timeframe | Literal[""] = ""

    @property
    def is_field(self) -> bool:
        return self.name in FIELDS

    @property
    def column(self) -> str:
        """Canonical name without timeframe: `close`, `SMA_20`, `MACD_12_26_9.line`, `BBANDS_20_2.upper`."""
        numbers = "".join(f"_{p:g}" for p in self.params)
        return f"{self.name}{numbers}" + (f".{self.output}" if self.output else "")

    def __str__(self) -> str:
        return f"{self.column}@{self.timeframe}" if self.timeframe else self.column


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison. `path` is where it stands in the JSON, e.g. `conditions[0]` or `all[2].any[1]`."""

    path: str
    left: Operand
    operator: Operator
    right: Operand | float
    upper: Operand | float | None = None
    """The `hi` of `inside`/`outside`; `right` is then `lo`."""
    timeframe: Timeframe = "5m"
    """The leaf's candle: ends a crossing's latch (T4) and counts `candles` and `within_candles`."""
    hysteresis: float = 0.0
    within_candles: int = 1
    candles: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    kind: Literal["all", "any", "not"]
    children: tuple[Condition, ...]


Condition = Leaf | Group


@dataclass(frozen=True, slots=True)
class Hold:
    """T7: exactly one of the three is not zero."""

    ms: int = 0
    trades: int = 0
    candles: int = 0


@dataclass(frozen=True, slots=True)
class MarketHours:
    calendar: str
    event: Literal["open", "close"] = "open"
    offset_minutes: int = 0


@dataclass(frozen=True, slots=True)
class SpecificTime:
    hour: int
    minute: int
    second: int
    timezone: str
    weekdays: tuple[int, ...] = ()
    """0 = Monday; empty = every day."""
    date: str = ""
    """ISO date, instead of weekdays."""
    calendar: str = ""
    """When set, session days of this calendar only."""


@dataclass(frozen=True, slots=True)
class Cron:
    expression: str
    timezone: str
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    when: MarketHours | SpecificTime | Cron
    missed: Literal["skip", "run_once"] = "skip"
    missed_grace_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class NewsMatch:
    """What a news item must be (T34). Empty parts ask for nothing."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    max_age_ms: int = 30 * 60_000
    sentiment: Literal["", "positive", "negative", "neutral"] = ""
    min_score: int = 1
    """How many more words of one side than of the other make a text positive or negative."""


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """One version of one trigger, ready to be armed. Every default of SEMANTICS is filled in."""

    trigger_id: str
    """`pipeline_id/node_id`."""
    pipeline_id: str
    version: int
    symbols: tuple[str, ...]
    kind: Literal["price", "technical", "time", "news"]
    config_hash: str
    """sha256 (hex) of the canonical config; a moved node or a new name does not change it (T31)."""
    condition: Condition | None = None
    schedule: Schedule | None = None
    news: NewsMatch | None = None
    timeframe: Timeframe = "5m"
    evaluate: Evaluate = "tick"
    fire: Fire = "once_per_candle"
    session: Session = "regular"
    cooldown_ms: int = 0
    max_firings_per_session: int = 0
    """0 = no cap; so with `max_firings`."""
    max_firings: int = 0
    hold: Hold | None = None
    rearm: Rearm = "on_false"
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    after_gap: AfterGap = "baseline"
    require_stable: bool = False


@dataclass(frozen=True, slots=True)
class TriggerChange:
    """One control record, applied at one log position (T31)."""

    action: Literal["set", "pause", "resume", "remove"]
    trigger_id: str
    spec: TriggerSpec | None = field(default=None)
    """Given with `set` only: arm this version, replacing the one before."""
