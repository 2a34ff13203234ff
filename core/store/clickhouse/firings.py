"""Firings and suppressions of the history, newest first, a page at a time.

The history knows pipelines and no users: the caller gives the ids of the pipelines it may see.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.store.clickhouse.client import ClickHouse

NEWEST = (9_223_372_036_854_775_807, "")
"""Where the first page begins."""


class StoredFiring(msgspec.Struct, frozen=True, kw_only=True):
    """`evidence` is the JSON of `engine.firing.Evidence`."""

    firing_id: str
    pipeline_id: str
    trigger_id: str
    trigger_version: int
    symbol: str
    ts_ms: int
    decided_ms: int
    price: float | None
    kind: str
    evidence: str


class StoredSuppression(msgspec.Struct, frozen=True, kw_only=True):
    firing_id: str
    pipeline_id: str
    trigger_id: str
    trigger_version: int
    symbol: str
    ts_ms: int
    decided_ms: int
    price: float | None
    kind: str
    reason: str
    source: str


_PAGE = """
SELECT {columns} FROM {table} FINAL
WHERE pipeline_id IN {{pipelines:Array(String)}}
  AND ({{symbol:String}} = '' OR symbol = {{symbol:String}})
  AND decided_ms >= {{since:Int64}}
  AND (decided_ms, firing_id) < ({{before_ms:Int64}}, {{before_id:String}})
ORDER BY decided_ms DESC, firing_id DESC LIMIT {{limit:UInt32}}"""
_FIRINGS = _PAGE.format(columns=", ".join(StoredFiring.__struct_fields__), table="firings")
_SUPPRESSIONS = _PAGE.format(columns=", ".join(StoredSuppression.__struct_fields__), table="suppressions")


def page_of_firings(
    clickhouse: ClickHouse,
    pipeline_ids: Sequence[str],
    *,
    symbol: str = "",
    since_ms: int = 0,
    before: tuple[int, str] = NEWEST,
    limit: int = 50,
) -> list[StoredFiring]:
    """Return firings decided before a (decided_ms, firing_id), newest first."""
    if not pipeline_ids:
        return []
    return clickhouse.rows(_FIRINGS, _parameters(pipeline_ids, symbol, since_ms, before, limit), StoredFiring)


def page_of_suppressions(
    clickhouse: ClickHouse,
    pipeline_ids: Sequence[str],
    *,
    symbol: str = "",
    since_ms: int = 0,
    before: tuple[int, str] = NEWEST,
    limit: int = 50,
) -> list[StoredSuppression]:
    """Return suppressions decided before a (decided_ms, firing_id), newest first."""
    if not pipeline_ids:
        return []
    return clickhouse.rows(_SUPPRESSIONS, _parameters(pipeline_ids, symbol, since_ms, before, limit), StoredSuppression)


def _parameters(
    pipeline_ids: Sequence[str], symbol: str, since_ms: int, before: tuple[int, str], limit: int
) -> dict[str, str | int | Sequence[str]]:
    return {
        "pipelines": list(pipeline_ids),
        "symbol": symbol,
        "since": since_ms,
        "before_ms": before[0],
        "before_id": before[1],
        "limit": limit,
    }
