"""What becomes of a firing: one execution, or one recorded suppression (T28, T29). One transaction decides.

The order of the questions: known before; no such pipeline or paused; storm; too old; overlap; budget. The row of
`pipeline_executions` is the commit point: whatever dies after it, the sweep finds the execution there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from agents.llm.budget import limits_for
from core.clock import Clock, to_datetime
from core.errors import InvalidInput
from core.pipeline import PipelineSettings, parse_config
from core.settings import Settings
from core.store import costs, events, executions, notifications, pipelines
from core.store.costs import Payer
from core.store.executions import StoredExecution
from core.store.pipelines import StoredPipeline
from core.store.postgres import Connection, Engine
from core.wire.records import EventRecord
from engine.firing import Firing, Suppression, SuppressionReason

STORM_FIRINGS = 15
STORM_MS = 180_000
"""More firings of a trigger than this in this much feed time are a mistake of its definition."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided; all None or empty where the firing was known."""

    execution_id: UUID | None = None
    """To be sent to the workers now; None for one that waits for its turn."""
    suppressions: tuple[Suppression, ...] = ()
    told: tuple[EventRecord, ...] = ()
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    reason: SuppressionReason
    detail: str


class Admission:
    def __init__(self, engine: Engine, settings: Settings, clock: Clock) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock

    def admit(self, firing: Firing) -> Verdict:
        """Decide about a firing; the same firing again is known.

        Raises:
            Unavailable: Postgres does not answer; nothing was decided.
        """
        pipeline_id = UUID(firing.pipeline_id)
        with self._engine.begin() as tx:
            executions.hold_pipeline(tx, pipeline_id)
            if executions.is_known(tx, UUID(firing.firing_id)):
                return Verdict(is_known=True)
            pipeline = pipelines.by_id(tx, pipeline_id)
            if pipeline is None:
                return self._suppress(tx, firing, None, Refused("paused", "there is no such pipeline any more"))
            rules = _settings_of(pipeline)
            if rules is None:
                return self._suppress(tx, firing, pipeline, Refused("paused", "the pipeline's settings are invalid"))
            at_work = executions.unfinished(tx, pipeline_id, firing.symbol)
            refused = self._refusal(tx, firing, pipeline, rules, at_work)
            if refused is not None:
                return self._suppress(tx, firing, pipeline, refused)
            return self._start(tx, firing, pipeline, rules, at_work)

    def _refusal(
        self,
        tx: Connection,
        firing: Firing,
        pipeline: StoredPipeline,
        rules: PipelineSettings,
        at_work: Sequence[StoredExecution],
    ) -> Refused | None:
        by_hand = firing.kind == "manual"
        if pipeline.state != "active" and not (by_hand and pipeline.state != "archived"):
            return Refused("paused", f"the pipeline is {pipeline.state}")
        if not by_hand and self._is_storm(tx, firing, pipeline):
            return Refused(
                "storm", f"more than {STORM_FIRINGS} firings in {STORM_MS // 1000} s; the pipeline is paused"
            )
        return self._too_old(firing, rules) or _overlaps(rules, at_work) or self._over_budget(tx, pipeline, rules)

    def _is_storm(self, tx: Connection, firing: Firing, pipeline: StoredPipeline) -> bool:
        earlier = executions.count_decided(
            tx, firing.trigger_id, pipeline.id, after_ms=firing.decided_ms - STORM_MS, since=pipeline.updated_at
        )
        return earlier >= STORM_FIRINGS

    def _too_old(self, firing: Firing, rules: PipelineSettings) -> Refused | None:
        decided = firing.evidence.decided_recv_ms
        age_ms = self._clock.now_ms() - decided
        if decided == 0 or age_ms <= rules.signal_ttl_seconds * 1000:
            return None
        return Refused("ttl", f"{age_ms / 1000:.0f} s old, its signal lives {rules.signal_ttl_seconds:g} s")

    def _over_budget(self, tx: Connection, pipeline: StoredPipeline, rules: PipelineSettings) -> Refused | None:
        own = costs.limits(tx, pipeline.user_id, pipeline.id)
        at = to_datetime(self._clock.now_ms())
        payer = Payer(user_id=pipeline.user_id, pipeline_id=pipeline.id, execution_id=pipeline.id, node_id="")
        for limit in limits_for(self._settings, rules, own, pipeline_id=pipeline.id):
            if limit.is_hard and limit.period != "execution":
                spent = costs.committed(tx, payer, limit, at)
                if spent >= limit.limit_usd:
                    return Refused("budget", f"{limit.period} spending is at {spent:.4f} of {limit.limit_usd} USD")
        return None

    def _start(
        self,
        tx: Connection,
        firing: Firing,
        pipeline: StoredPipeline,
        rules: PipelineSettings,
        at_work: Sequence[StoredExecution],
    ) -> Verdict:
        at = to_datetime(self._clock.now_ms())
        replaced = self._replace_waiting(tx, at_work) if rules.overlap == "queue" else []
        decided = firing.evidence.decided_recv_ms
        deadline = to_datetime(decided) + timedelta(seconds=rules.signal_ttl_seconds) if decided else None
        execution_id = executions.add(
            tx,
            firing,
            user_id=pipeline.user_id,
            pipeline_version=pipeline.version,
            pick_up_by=None if rules.overlap == "queue" else deadline,
            at=at,
        )
        if execution_id is None:
            return Verdict(is_known=True)
        told = [
            events.append(
                tx,
                "execution_suppressed",
                user_id=pipeline.user_id,
                at=at,
                execution_id=old.id,
                pipeline_id=pipeline.id,
                payload={"reason": "superseded", "symbol": firing.symbol},
            )
            for old in replaced
        ]
        queued = {"symbol": firing.symbol, "kind": firing.kind, "price": firing.price, "firing_id": firing.firing_id}
        told.append(
            events.append(
                tx,
                "execution_queued",
                user_id=pipeline.user_id,
                at=at,
                execution_id=execution_id,
                pipeline_id=pipeline.id,
                payload=queued,
            )
        )
        must_wait = rules.overlap == "queue" and len(at_work) > len(replaced)
        return Verdict(
            execution_id=None if must_wait else execution_id,
            suppressions=tuple(Suppression(old.fact, "superseded") for old in replaced),
            told=tuple(told),
        )

    def _replace_waiting(self, tx: Connection, at_work: Sequence[StoredExecution]) -> list[StoredExecution]:
        """End the execution that waits its turn: a newer one takes its place."""
        at = to_datetime(self._clock.now_ms())
        replaced: list[StoredExecution] = []
        has_running = any(old.status != "queued" for old in at_work)
        for old in at_work:
            if old.status == "queued" and has_running and executions.suppress_queued(tx, old.id, "superseded", at):
                executions.add_suppression(
                    tx, old.fact, "superseded", user_id=old.user_id, detail="a newer firing took its place", at=at
                )
                replaced.append(old)
        return replaced

    def _suppress(self, tx: Connection, firing: Firing, pipeline: StoredPipeline | None, refused: Refused) -> Verdict:
        at = to_datetime(self._clock.now_ms())
        user_id = pipeline.user_id if pipeline else None
        executions.add_suppression(tx, firing, refused.reason, user_id=user_id, detail=refused.detail, at=at)
        told: list[EventRecord] = []
        if pipeline is not None:
            if refused.reason == "storm" and pipeline.state == "active":
                self._end_storm(tx, firing, pipeline)
            payload = {
                "reason": refused.reason,
                "detail": refused.detail,
                "symbol": firing.symbol,
                "firing_id": firing.firing_id,
            }
            told.append(
                events.append(
                    tx,
                    "execution_suppressed",
                    user_id=pipeline.user_id,
                    at=at,
                    pipeline_id=pipeline.id,
                    payload=payload,
                )
            )
        return Verdict(suppressions=(Suppression(firing, refused.reason),), told=tuple(told))

    def _end_storm(self, tx: Connection, firing: Firing, pipeline: StoredPipeline) -> None:
        at = to_datetime(self._clock.now_ms())
        notifications.notify(
            tx,
            f"storm/{firing.firing_id}",
            user_id=pipeline.user_id,
            kind="storm",
            title=f"{pipeline.name} was paused",
            body=f"It fired more than {STORM_FIRINGS} times in {STORM_MS // 1000} s. Mend its trigger, then resume it.",
            payload={"pipeline_id": str(pipeline.id)},
            at=at,
        )
        pipelines.pause(tx, pipeline.user_id, pipeline.id, at)


def _overlaps(rules: PipelineSettings, at_work: Sequence[StoredExecution]) -> Refused | None:
    if rules.overlap == "skip" and at_work:
        return Refused("overlap", f"execution {at_work[0].id} is still at work")
    if rules.overlap == "parallel" and len(at_work) >= rules.max_parallel:
        return Refused("overlap", f"{len(at_work)} executions are at work, {rules.max_parallel} are allowed")
    return None


def _settings_of(pipeline: StoredPipeline) -> PipelineSettings | None:
    try:
        return parse_config(pipeline.config).settings
    except InvalidInput:
        return None
