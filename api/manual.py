"""A firing by hand: the same record as the engine's, of kind `manual`."""

from __future__ import annotations

from uuid import uuid4

from core.store.pipelines import StoredPipeline
from core.store.redis import Snapshot
from engine.firing import Evidence, Firing, firing_id


def make_manual_firing(
    pipeline: StoredPipeline, symbol: str, market: Snapshot, *, now_ms: int, request_id: str | None
) -> Firing:
    """Return the firing. Its `seq` is the request's id: one that comes again is the same firing."""
    # A repeat comes later, so the moment cannot be part of the id of a request that brings its own.
    moment_ms = now_ms if request_id is None else 0
    seq = f"manual-{request_id or uuid4().hex}"
    return Firing(
        firing_id=firing_id(pipeline.trigger_id, pipeline.trigger_version, symbol, moment_ms, seq),
        pipeline_id=str(pipeline.id),
        trigger_id=pipeline.trigger_id,
        trigger_version=pipeline.trigger_version,
        symbol=symbol,
        ts_ms=now_ms,
        decided_ms=now_ms,
        price=market.price,
        kind="manual",
        evidence=Evidence(
            leaves=(),
            result=None,
            flags=(),
            health=market.health or "unknown",
            feed=market.feed,
            trade=None,
            decided_recv_ms=now_ms,
            config_hash=pipeline.trigger_config_hash,
            engine_version="",
        ),
    )
