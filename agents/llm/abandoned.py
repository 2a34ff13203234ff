"""Calls of a worker that died in the middle of them: what was set aside becomes a line of the ledger.

Nobody knows whether such a call left, or what it came to. It is recorded as unanswered (status 0, no tokens) at the
most it may have cost: the model server may have charged for it, and a limit stays hard however often workers die.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from agents.llm.meter import UNANSWERED
from core.clock import to_ms
from core.pipeline import PipelineConfig
from core.store import costs
from core.store.costs import Abandoned
from core.store.postgres import Connection
from core.wire.records import CostRecord


def record_abandoned(tx: Connection, execution_id: UUID, config: PipelineConfig, at: datetime) -> int:
    """Record what the last worker of an execution left open, and return how many calls that are.

    Only in the transaction that takes the execution over.
    """
    left = costs.settle_abandoned(tx, execution_id, at)
    agent_types = {node.id: node.agent_type for node in config.nodes}
    for call in left:
        key = f"{execution_id}/{call.node_id}/abandoned/{call.id}"
        detail = {"abandoned": True, "reserved_usd": str(call.amount_usd)}
        costs.add(tx, key, _line(call, agent_types.get(call.node_id, ""), at), detail=detail)
    return len(left)


def _line(call: Abandoned, agent_type: str, at: datetime) -> CostRecord:
    return CostRecord(
        cost_id=str(call.id),
        user_id=str(call.user_id),
        execution_id=str(call.execution_id),
        pipeline_id=str(call.pipeline_id),
        node_id=call.node_id,
        agent_type=agent_type,
        cost_type="llm_tokens",
        at_ms=to_ms(at),
        provider="openai",
        status=UNANSWERED,
        quantity=Decimal(0),
        unit_cost_usd=Decimal(0),
        amount_usd=call.amount_usd,
    )
