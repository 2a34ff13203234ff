"""The processes of the platform, and the sentence a user reads when one is not well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    title: str
    when_away: str
    """What its absence means for the user, and what is safe meanwhile."""


PROCESSES: tuple[Process, ...] = (
    Process("ingest", "Feed", "no new trades arrive; triggers wait, and say so after 10 s"),
    Process("market", "Market flow", "candles and triggers pause; trades wait in the log and none is lost"),
    Process("costs", "Cost flow", "cost history waits in the log and is written later"),
    Process(
        "dispatcher",
        "Dispatcher",
        "firings wait in the log; those too old when it returns are shown as expired",
    ),
    Process("worker", "Agent worker", "executions pause and go on after their last finished step"),
    Process("beat", "Upkeep", "stuck executions and working orders are looked after once it is back"),
    Process("api", "API", "the page shows what it last knew and reconnects by itself"),
)


def title_of(name: str) -> str:
    """Return the title of a process or of one shard of it (`market-0` is the market flow)."""
    family = name.rstrip("0123456789").rstrip("-")
    return next((p.title for p in PROCESSES if p.name == family), name)
