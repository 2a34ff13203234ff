"""Which limits bind an execution: the user's own, the pipeline's, and the platform's where nobody set one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from core.pipeline import PipelineSettings
from core.settings import Settings
from core.store.costs import Limit


def limits_for(
    settings: Settings, pipeline: PipelineSettings, own: Sequence[Limit], *, pipeline_id: UUID
) -> tuple[Limit, ...]:
    """Return every limit a call must fit under; lowered where the pipeline is to stop when money runs low."""
    found = list(own)
    if pipeline.budget_execution_usd is not None:
        found.append(Limit(period="execution", limit_usd=pipeline.budget_execution_usd))
    if pipeline.budget_daily_usd is not None:
        found.append(Limit(period="daily", limit_usd=pipeline.budget_daily_usd, pipeline_id=pipeline_id))
    if not any(limit.period == "execution" for limit in found):
        found.append(Limit(period="execution", limit_usd=settings.budget_execution_usd))
    if not any(limit.period == "daily" and limit.pipeline_id is None for limit in found):
        found.append(Limit(period="daily", limit_usd=settings.budget_daily_usd))
    if pipeline.on_low_budget == "stop":
        share = pipeline.low_budget_pct / 100
        found = [msgspec.structs.replace(limit, limit_usd=limit.limit_usd * share) for limit in found]
    return tuple(found)
