"""Costs, firings, suppressions, executions, news and feed health as rows of the history."""

from __future__ import annotations

import msgspec

from core.clock import to_ms
from core.store.execution_history import ExecutionRow
from core.wire.records import CostRecord, FeedHealthRecord, NewsRecord
from engine.firing import Evidence, Firing, Suppression

Row = tuple[object, ...]

COSTS = (
    "cost_id", "user_id", "execution_id", "pipeline_id", "node_id", "agent_type", "cost_type", "at_ms", "provider",
    "model", "status", "quantity", "input_tokens", "output_tokens", "cache_read_tokens", "unit_cost_usd", "amount_usd",
)  # fmt: skip
FIRINGS = (
    "firing_id", "pipeline_id", "trigger_id", "trigger_version", "symbol", "ts_ms", "decided_ms", "price", "kind",
    "feed", "health", "flags", "evidence",
)  # fmt: skip
SUPPRESSIONS = (*FIRINGS, "reason", "source")
EXECUTIONS = (
    "execution_id", "firing_id", "pipeline_id", "user_id", "symbol", "kind", "status", "reason", "error",
    "pipeline_version", "trigger_version", "created_ms", "started_ms", "finished_ms", "steps", "llm_calls",
    "input_tokens", "output_tokens", "total_cost_usd", "updated_ms",
)  # fmt: skip
NEWS = ("news_id", "symbols", "published_ms", "recv_ms", "headline", "summary", "source", "url")
FEED_HEALTH = ("feed", "symbol", "at_ms", "recv_ms", "health", "gap_ms", "detail")
_BY_DISPATCHER = frozenset({"overlap", "superseded", "ttl", "budget", "storm", "paused"})
"""Suppressions that are not the engine's (T29)."""


def cost_row(cost: CostRecord) -> Row:
    return tuple(getattr(cost, name) for name in COSTS)


def news_row(news: NewsRecord) -> Row:
    return tuple(getattr(news, name) for name in NEWS)


def feed_health_row(change: FeedHealthRecord) -> Row:
    return tuple(getattr(change, name) for name in FEED_HEALTH)


def firing_row(firing: Firing) -> Row:
    evidence: Evidence = firing.evidence
    return (
        firing.firing_id, firing.pipeline_id, firing.trigger_id, firing.trigger_version, firing.symbol, firing.ts_ms,
        firing.decided_ms, firing.price, firing.kind, evidence.feed, evidence.health, list(evidence.flags),
        msgspec.json.encode(evidence).decode(),
    )  # fmt: skip


def suppression_row(suppression: Suppression) -> Row:
    source = "dispatcher" if suppression.reason in _BY_DISPATCHER else "engine"
    return (*firing_row(suppression.firing), suppression.reason, source)


def execution_row(e: ExecutionRow) -> Row:
    return (
        str(e.id), str(e.firing_id), str(e.pipeline_id), str(e.user_id), e.symbol, e.kind, e.status, e.reason, e.error,
        e.pipeline_version, e.trigger_version, to_ms(e.created_at),
        None if e.started_at is None else to_ms(e.started_at),
        None if e.finished_at is None else to_ms(e.finished_at),
        e.steps, e.llm_calls, e.input_tokens, e.output_tokens, e.total_cost, to_ms(e.updated_at),
    )  # fmt: skip
