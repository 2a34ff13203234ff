"""When money runs low: the user is told once a period, and the pipeline may have asked for a cheaper model."""

from __future__ import annotations

from datetime import datetime

from core.numbers import plain
from core.pipeline import PipelineSettings
from core.store import costs, notifications
from core.store.costs import Limit, Low, Payer
from core.store.postgres import Connection


def is_low(
    tx: Connection, payer: Payer, limits: tuple[Limit, ...], pipeline: PipelineSettings, *, at: datetime
) -> bool:
    """Return whether most of a limit is spent, and tell the user of a day's or a month's.

    With `stop` the limits themselves are lower, and who does not fit under them fails with that reason.
    """
    if pipeline.on_low_budget == "stop":
        return False
    found = costs.low(tx, payer, limits, share=pipeline.low_budget_pct / 100, at=at)
    for one in found:
        if one.since is not None:
            _tell(tx, payer, one, at=at)
    return bool(found)


def _tell(tx: Connection, payer: Payer, low: Low, *, at: datetime) -> None:
    limit = low.limit
    whose = "this pipeline's" if limit.pipeline_id else "your"
    body = f"{plain(round(low.spent_usd, 4))} of {plain(limit.limit_usd)} USD are spent or set aside. "
    body += "Beyond it no model is asked." if limit.is_hard else "It is a soft limit: nothing is held back."
    notifications.notify(
        tx,
        f"low-budget/{payer.user_id}/{limit.period}/{limit.pipeline_id}/{limit.limit_usd}/{low.since}",
        user_id=payer.user_id,
        kind="alarm",
        title=f"The {limit.period} budget runs low ({whose} limit)",
        body=body,
        payload={"pipeline_id": str(payer.pipeline_id), "period": limit.period},
        at=at,
    )
