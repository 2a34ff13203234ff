"""The engine's output: firings, suppressions, closed candles, as immutable facts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from engine.news_item import NewsItem

FIRING_NAMESPACE = UUID("db4c320a-527d-5b1e-a9b9-e5d5dce641e3")
_NAMESPACE_BYTES = FIRING_NAMESPACE.bytes

FiringKind = Literal["tick", "candle_close", "hold", "time", "news", "manual"]
SuppressionReason = Literal[
    "baseline", "hold", "expired", "completed", "once_per_candle", "rearm", "cooldown", "cap",
    "overlap", "superseded", "ttl", "budget", "storm", "paused", "missed", "old_news",
]  # fmt: skip


def firing_id(trigger_id: str, version: int, symbol: str, ts_ms: int, seq: str | int) -> str:
    """Return the id that makes a firing this firing, the same live and in replay (T26).

    It is `uuid5` of the namespace, written out: an object less for each.
    """
    name = f"{trigger_id}|{version}|{symbol}|{ts_ms}|{seq}".encode()
    digest = bytearray(hashlib.sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    x = digest.hex()
    return f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"


@dataclass(frozen=True, slots=True)
class CandleRef:
    session: str
    timeframe: str
    ts_ms: int
    state: Literal["forming", "closed"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a leaf. `before` and `now` are None where UNKNOWN. A plain number has no candle."""

    operand: str
    before: float | None
    now: float | None
    candle: CandleRef | None = None


@dataclass(frozen=True, slots=True)
class LeafEvidence:
    path: str
    operator: str
    left: Side
    right: Side
    upper: Side | None
    result: bool | None
    """Three-valued: None is UNKNOWN."""


@dataclass(frozen=True, slots=True)
class HistorySeam:
    """History among the candles a condition read: where it came from, and when another source took over (T22)."""

    timeframe: str
    source: str
    seam_ms: int


@dataclass(frozen=True, slots=True)
class FiringTrade:
    ts_ms: int
    recv_ms: int
    seq: int
    price: float
    size: float
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    leaves: tuple[LeafEvidence, ...]
    result: bool | None
    flags: tuple[str, ...]
    """Of: provisional, partial, gap, may_repaint."""
    health: str
    feed: str
    trade: FiringTrade | None
    decided_recv_ms: int
    """Receipt time of the record that decided it, 0 offline; signal time-to-live counts from here (T28)."""
    config_hash: str
    engine_version: str
    news: NewsItem | None = None
    """The item, where news decided it."""
    history: tuple[HistorySeam, ...] = ()
    """Of the timeframes that its conditions read, the latest seam of each source; empty where all of it was heard."""


@dataclass(frozen=True, slots=True)
class Firing:
    firing_id: str
    pipeline_id: str
    trigger_id: str
    trigger_version: int
    symbol: str
    ts_ms: int
    decided_ms: int
    price: float | None
    """The operand `price` at `ts_ms`; None for time and news where it is not known (before any trade, long ago)."""
    kind: FiringKind
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Suppression:
    """A firing that starts nothing, with the id it would have had."""

    firing: Firing
    reason: SuppressionReason


@dataclass(frozen=True, slots=True)
class ClosedCandle:
    """One closed candle; never changes. `values` maps canonical column → value, NaN while warming.

    `seam_ms` is where its source ended and another took over, 0 for the stream (T22).
    """

    symbol: str
    session: str
    timeframe: str
    ts_ms: int
    end_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float
    trades: int
    partial: bool
    source: str
    values: dict[str, float] = field(default_factory=dict[str, float])
    seam_ms: int = 0
