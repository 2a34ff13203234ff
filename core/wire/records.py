"""The JSON records of the other topics. `encode` writes any of them; `decode` reads one, or says why not.

Firings and suppressions are the engine's own dataclasses: one shape live, in replay and in files.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from core.errors import Malformed
from core.wire.trades import FeedHealth
from engine.firing import Firing, Suppression, SuppressionReason

__all__ = [
    "CostRecord", "DeadLetter", "EventRecord", "FeedHealthRecord", "Firing", "NewsRecord", "Suppression",
    "SuppressionReason", "TriggerRecord", "decode", "encode",
]  # fmt: skip


class TriggerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `triggers`, key pipeline id: one change of one trigger (T31). A tombstone deletes."""

    pipeline_id: str
    trigger_id: str
    trigger_version: int
    action: Literal["set", "pause", "resume", "remove"]
    user_id: str
    pipeline_version: int
    at_ms: int
    agent_type: str = ""
    config: dict[str, object] = {}
    symbols: list[str] = []
    primary_timeframe: str = "5m"


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `events`, key execution id. `seq` is the number in the Postgres event log; `at` ISO 8601 with Z."""

    seq: int
    event: str
    execution_id: str | None
    pipeline_id: str | None
    user_id: str
    at: str
    payload: dict[str, object] = {}


class CostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `costs`, key user id: one line of the ledger. Money travels as decimal strings.

    quantity  tokens, calls or seconds, by `cost_type`; `input_tokens` includes the cached ones
    """

    cost_id: str
    user_id: str
    execution_id: str
    pipeline_id: str
    node_id: str
    agent_type: str
    cost_type: Literal["llm_tokens", "api_call", "agent_rental"]
    at_ms: int
    provider: str = ""
    model: str = ""
    status: int = 200
    quantity: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    unit_cost_usd: Decimal = Decimal(0)
    amount_usd: Decimal = Decimal(0)


class NewsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `news`, key news id: one item of the feed's REST list, published by us once (T34).

    `published_ms` is the feed's statement in epoch ms, `recv_ms` our receipt. `symbols` is never empty.
    """

    news_id: str
    symbols: list[str]
    published_ms: int
    recv_ms: int
    headline: str
    summary: str = ""
    source: str = ""
    url: str = ""


class FeedHealthRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `feed-health`, key `feed|symbol`: the state of a symbol's feed has changed (T20).

    symbol   empty: the feed as a whole
    at_ms    feed time of the change; (feed, symbol, at_ms) names the record. recv_ms: our wall clock then
    gap_ms   how long the feed had been away, 0 while it is there
    detail   why, as a sentence; may be empty
    """

    feed: str
    symbol: str
    at_ms: int
    recv_ms: int
    health: FeedHealth
    gap_ms: int = 0
    detail: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message nobody could read: the original bytes, where they came from, a countable reason."""

    source: str
    reason: str
    detail: str
    at_ms: int
    original: bytes


Record = TriggerRecord | EventRecord | CostRecord | NewsRecord | FeedHealthRecord | DeadLetter | Firing | Suppression
_T = TypeVar("_T")


def encode(record: Record) -> bytes:
    """Return canonical JSON: fields in declared order, so equal records are equal bytes."""
    return msgspec.json.encode(record)


def decode(data: bytes, kind: type[_T]) -> _T:
    """Read a record.

    Raises:
        Malformed: reason `bad_json` or `bad_record`; the detail names the field.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise Malformed("bad_record", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("bad_json", str(error)) from None
