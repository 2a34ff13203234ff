"""What was spent, grouped, from the view that counts each ledger line once."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from core.store.clickhouse.client import ClickHouse

CostGroup = Literal["day", "agent", "model", "pipeline"]
_KEY = {"day": "toString(day)", "agent": "agent_type", "model": "model", "pipeline": "pipeline_id"}


class GroupedCost(msgspec.Struct, frozen=True):
    """`key` is the day, agent type, model or pipeline id; `calls` counts calls of models."""

    key: str
    amount_usd: Decimal
    calls: int
    input_tokens: int
    output_tokens: int


_GROUPED = """
SELECT {key} AS key, sum(c.amount_usd) AS amount_usd, sum(c.calls) AS calls,
       sum(c.input_tokens) AS input_tokens, sum(c.output_tokens) AS output_tokens
FROM costs_by_day AS c
WHERE user_id = {{user:String}} AND day >= toDate({{first:String}}) AND day <= toDate({{last:String}})
GROUP BY key ORDER BY {order}"""


def grouped(clickhouse: ClickHouse, user_id: str, *, by: CostGroup, first_day: str, last_day: str) -> list[GroupedCost]:
    """Return the user's costs of whole UTC days (ISO dates, both included); days in order, others dearest first."""
    query = _GROUPED.format(key=_KEY[by], order="key" if by == "day" else "amount_usd DESC, key")
    return clickhouse.rows(query, {"user": user_id, "first": first_day, "last": last_day}, GroupedCost)
