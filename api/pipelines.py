"""Pipelines: written as JSON, checked before they are saved, armed through the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Header, Query
from pydantic import Field, JsonValue
from sqlalchemy import Connection

from api.context import Context, Ctx, Tx
from api.definition import define, read
from api.feed_data import feed_data
from api.limits import CREATE_PIPELINE
from api.manual import make_manual_firing
from api.problems import FieldProblem
from api.session import User
from api.types import Cursor, Input, Limit, Model, decode_cursor, encode_cursor
from core.clock import to_datetime
from core.errors import Conflict, InvalidInput, NotFound, Problem, Unavailable
from core.feed_words import feed_words
from core.identity import execution_id_of
from core.pipeline import PipelineConfig, check, lint, parse_config, trigger_node, trigger_spec
from core.store import feed_status, outbox, pipelines
from core.store import redis as redis_store
from core.store.listings import executions
from core.wire.records import encode
from engine.words import trigger_words

router = APIRouter(prefix="/pipelines", tags=["pipelines"])

PipelineState = Literal["draft", "active", "paused", "archived"]

_WATCHING = ("warming", "armed", "pending", "fired", "cooldown")
"""States in which a trigger should be judged."""


class TriggerStatus(Model):
    """Where the trigger stands for one symbol, as the market flow last said."""

    symbol: str
    state: str
    """waiting_for_slot | warming | armed | pending | fired | cooldown | paused | completed | expired"""
    health: str
    """ok, closed (outside its session), or the state of the feed that makes it unknown"""
    detail: str
    """A sentence: which candles are missing, until when it cools down."""
    missing_candles: int
    unjudged_since_ms: int | None = None
    """Armed and not evaluated: since when its feed is away or it waits for a slot; null while it is judged."""
    last_fired_ms: int | None


class LastExecution(Model):
    id: UUID
    status: str
    created_at: datetime


class PipelineSummary(Model):
    id: UUID
    name: str
    description: str
    symbols: list[str]
    primary_timeframe: str
    state: PipelineState
    version: int
    trigger_version: int
    trigger_type: str
    trigger_words: str
    """The trigger as a sentence."""
    agent_types: list[str]
    """Of its steps, in order."""
    triggers: list[TriggerStatus]
    """One for each symbol; empty while the market flow has said nothing."""
    last_execution: LastExecution | None
    executions: int
    """All so far."""
    created_at: datetime
    updated_at: datetime


class Pipeline(PipelineSummary):
    config: dict[str, JsonValue]
    """The pipeline's JSON: id, name, symbols, primary_timeframe, nodes, edges, settings."""
    lint: list[FieldProblem]
    """What is allowed but probably not meant."""


class PipelinePage(Model):
    items: list[PipelineSummary]
    next_cursor: str | None


class PipelineWrite(Input):
    config: dict[str, JsonValue]
    state: Literal["draft", "active"] | None = Field(
        default=None, description="active arms it at once; left out: draft when new, unchanged when it exists"
    )


class ManualFire(Input):
    symbol: str | None = Field(default=None, max_length=40, description="One of its symbols; the first if left out.")


class FireAccepted(Model):
    """`execution_id` is known before the execution is: it appears when the dispatcher has taken the firing."""

    firing_id: UUID
    execution_id: UUID
    symbol: str


class PipelineCheck(Model):
    is_valid: bool
    problems: list[FieldProblem]
    lint: list[FieldProblem]
    trigger_words: str
    """The trigger as a sentence; empty while it is not valid."""


Version = Annotated[int | None, Query(ge=1, description="The version that was read; another one since then is a 409.")]
RequestId = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=100, description="A repeat with the same key fires once.")
]


@router.get("")
def list_pipelines(
    user: User, tx: Tx, ctx: Ctx, state: PipelineState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> PipelinePage:
    """Return the user's pipelines, the last changed first; archived ones only where asked for."""
    before = decode_cursor(cursor) if cursor else None
    found = pipelines.page(tx, user.user_id, state=state, before=before, limit=limit)
    last = found[-1] if len(found) == limit else None
    return PipelinePage(
        items=[PipelineSummary.model_validate(fields) for fields in _summaries(tx, ctx, found)],
        next_cursor=encode_cursor(last.updated_at, last.id) if last else None,
    )


@router.post("", status_code=201)
def create_pipeline(write: PipelineWrite, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Check and save a new pipeline. Everything that is wrong with it is named, with its path."""
    ctx.limits.spend(CREATE_PIPELINE, str(user.user_id))
    pipeline_id = _new_id(tx, user.user_id, write.config.get("id"))
    made = pipelines.create(
        tx,
        pipeline_id=pipeline_id,
        user_id=user.user_id,
        definition=define(write.config, pipeline_id),
        is_active=write.state == "active",
        at=_now(ctx),
    )
    return _pipeline(tx, ctx, made)


@router.post("/check")
def check_pipeline(write: PipelineWrite, user: User, ctx: Ctx) -> PipelineCheck:  # noqa: ARG001 - must be logged in
    """Say what is wrong with a pipeline, and save nothing."""
    try:
        config = read(write.config, uuid4())
    except InvalidInput as invalid:
        return PipelineCheck(is_valid=False, problems=_fields(invalid.problems), lint=[], trigger_words="")
    if problems := check(config):
        return PipelineCheck(is_valid=False, problems=_fields(problems), lint=[], trigger_words="")
    return PipelineCheck(
        is_valid=True,
        problems=[],
        lint=_fields(lint(config, now_ms=ctx.clock.now_ms(), feed=feed_data(ctx, config.all_symbols))),
        trigger_words=trigger_words(trigger_spec(config, 1)),
    )


@router.get("/{pipeline_id}")
def get_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Return one pipeline with its JSON."""
    return _pipeline(tx, ctx, pipelines.get(tx, user.user_id, pipeline_id))


@router.put("/{pipeline_id}")
def update_pipeline(
    pipeline_id: UUID, write: PipelineWrite, user: User, tx: Tx, ctx: Ctx, version: Version = None
) -> Pipeline:
    """Save a new version. The trigger is armed anew only where what it means has changed."""
    pipelines.get(tx, user.user_id, pipeline_id)
    changed = pipelines.revise(
        tx,
        user.user_id,
        pipeline_id,
        define(write.config, pipeline_id),
        expected_version=version,
        is_active=None if write.state is None else write.state == "active",
        at=_now(ctx),
    )
    return _pipeline(tx, ctx, changed)


@router.post("/{pipeline_id}/pause")
def pause_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Disarm its trigger. Executions at work go on."""
    return _pipeline(tx, ctx, pipelines.pause(tx, user.user_id, pipeline_id, _now(ctx)))


@router.post("/{pipeline_id}/resume")
def resume_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Arm its trigger, from now: what became true meanwhile does not fire."""
    return _pipeline(tx, ctx, pipelines.resume(tx, user.user_id, pipeline_id, _now(ctx)))


@router.post("/{pipeline_id}/archive")
def archive_pipeline(pipeline_id: UUID, user: User, tx: Tx, ctx: Ctx) -> Pipeline:
    """Take its trigger away for good; its executions stay readable."""
    return _pipeline(tx, ctx, pipelines.archive(tx, user.user_id, pipeline_id, _now(ctx)))


@router.post("/{pipeline_id}/fire", status_code=202)
def fire_pipeline(
    pipeline_id: UUID, fire: ManualFire, user: User, tx: Tx, ctx: Ctx, request_id: RequestId = None
) -> FireAccepted:
    """Fire its trigger by hand, once."""
    found = pipelines.get(tx, user.user_id, pipeline_id)
    if found.state == "archived":
        raise Conflict(f"pipeline {found.name!r} is archived; it no longer fires")
    symbol = fire.symbol or found.symbols[0]
    if symbol not in found.symbols:
        raise InvalidInput([Problem("symbol", repr(symbol), "one of " + ", ".join(found.symbols))])
    firing = make_manual_firing(found, symbol, _market(ctx, symbol), now_ms=ctx.clock.now_ms(), request_id=request_id)
    outbox.add(tx, "firings", str(found.id), encode(firing))
    return FireAccepted(firing_id=UUID(firing.firing_id), execution_id=execution_id_of(firing.firing_id), symbol=symbol)


def _pipeline(tx: Connection, ctx: Context, stored: pipelines.StoredPipeline) -> Pipeline:
    (fields,) = _summaries(tx, ctx, [stored])
    remarks = lint(parse_config(stored.config), now_ms=ctx.clock.now_ms(), feed=feed_data(ctx, stored.symbols))
    return Pipeline.model_validate({**fields, "config": stored.config, "lint": _fields(remarks)})


def _summaries(tx: Connection, ctx: Context, found: list[pipelines.StoredPipeline]) -> list[dict[str, object]]:
    latest = executions.latest_of_pipelines(tx, [pipeline.id for pipeline in found])
    triggers = _trigger_states(ctx, [pipeline.trigger_id for pipeline in found if pipeline.state != "draft"])
    feed = _feed_status(ctx)
    return [_summary(p, latest.get(p.id), triggers.get(p.trigger_id, []), feed=feed) for p in found]


def _summary(
    stored: pipelines.StoredPipeline,
    latest: executions.LatestExecution | None,
    triggers: list[redis_store.TriggerState],
    *,
    feed: feed_status.FeedStatus | None,
) -> dict[str, object]:
    config = parse_config(stored.config)
    return {
        "id": stored.id,
        "name": stored.name,
        "description": stored.description,
        "symbols": stored.symbols,
        "primary_timeframe": config.primary_timeframe,
        "state": stored.state,
        "version": stored.version,
        "trigger_version": stored.trigger_version,
        "trigger_type": trigger_node(config).agent_type,
        "trigger_words": _words(config),
        "agent_types": [node.agent_type for node in config.nodes],
        "triggers": [status_of(state, feed) for state in triggers if state.symbol in stored.symbols],
        "last_execution": latest and LastExecution(id=latest.id, status=latest.status, created_at=latest.created_at),
        "executions": latest.executions if latest else 0,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }


def status_of(state: redis_store.TriggerState, feed: feed_status.FeedStatus | None = None) -> TriggerStatus:
    """Return a trigger's state with the sentence that explains it.

    A trigger that is armed and not evaluated says so (T20): its symbol has no slot, or its feed is away. One that
    warms up from live trades says which sources of history are missing (T22).
    """
    wait = next((one for one in feed.waiting if one.symbol == state.symbol), None) if feed else None
    known = feed.symbols.get(state.symbol) if feed else None
    is_watching = state.state in _WATCHING
    is_unjudged = is_watching and known is not None and known.health in ("stale", "disconnected", "halted")
    since_ms = wait.since_ms if wait and is_watching else known.since_ms if known and is_unjudged else None
    return TriggerStatus(
        symbol=state.symbol,
        state="waiting_for_slot" if wait and is_watching else state.state,
        health=known.health if known and is_unjudged else state.health,
        detail=_unjudged(wait, known, since_ms) if since_ms is not None else _detail(state, feed),
        missing_candles=state.missing_candles,
        unjudged_since_ms=since_ms,
        last_fired_ms=state.last_fired_ms,
    )


def _unjudged(wait: feed_status.SlotWait | None, feed: feed_status.SymbolFeed | None, since_ms: int) -> str:
    why = wait.detail if wait else feed_words(feed.health, feed.detail) if feed else ""
    return f"not judged since {to_datetime(since_ms):%Y-%m-%d %H:%M:%S}Z: {why}"


def _detail(state: redis_store.TriggerState, feed: feed_status.FeedStatus | None) -> str:
    if state.state == "warming" and state.missing_candles:
        why = feed.no_history.get(state.symbol, "") if feed else ""
        since = f"; no history source ({why})" if why else ""
        return f"{state.missing_candles} more candles until its indicators have values{since}"
    if state.health == "closed":
        return "outside its trading session"
    if state.health not in ("ok", "live", "quiet"):
        return f"not judged: the feed is {state.health}"
    return {
        "warming": "waiting for its first values",
        "armed": "watching",
        "pending": "true, and held until it counts",
        "fired": "fired; it fires again once it was false in between",
        "cooldown": "fired a moment ago; it rests",
        "paused": "paused",
        "completed": "has fired as often as it may",
        "expired": "its time is over",
    }.get(state.state, state.state)


def _trigger_states(ctx: Context, trigger_ids: list[str]) -> dict[str, list[redis_store.TriggerState]]:
    """Return what the market flow last said; nothing while Redis is away."""
    try:
        return redis_store.trigger_states(ctx.redis, trigger_ids)
    except Unavailable:
        return {}


def _feed_status(ctx: Context) -> feed_status.FeedStatus | None:
    """Return what ingest last said; None while it is silent or Redis is away."""
    try:
        return feed_status.status(ctx.redis)
    except Unavailable:
        return None


def _market(ctx: Context, symbol: str) -> redis_store.Snapshot:
    """Return the symbol now; without price and health while Redis is away."""
    try:
        found = redis_store.snapshots(ctx.redis, [symbol])
    except Unavailable:
        found = []
    return found[0] if found else redis_store.Snapshot(symbol=symbol, ts_ms=0, health="unknown")


def _new_id(tx: Connection, user_id: UUID, wanted: JsonValue) -> UUID:
    """Return the id of a new pipeline: the one it brings, where nobody has it.

    An id that another user has becomes one of this user's own, always the same, so that nothing is told.

    Raises:
        Conflict: the user has this pipeline already.
    """
    if not isinstance(wanted, str) or not wanted:
        return uuid4()
    try:
        given = UUID(wanted)
    except ValueError:
        given = uuid5(user_id, wanted)
    for candidate in (given, uuid5(user_id, str(given))):
        known = pipelines.by_id(tx, candidate)
        if known is None:
            return candidate
        if known.user_id == user_id:
            raise Conflict(f"there is a pipeline {str(candidate)!r} already; change it with PUT")
    raise NotFound(f"no pipeline {wanted!r}")


def _words(config: PipelineConfig) -> str:
    return trigger_words(trigger_spec(config, 1))


def _fields(problems: Sequence[Problem]) -> list[FieldProblem]:
    return [FieldProblem(path=p.path, found=p.found, expected=p.expected) for p in problems]


def _now(ctx: Context) -> datetime:
    return to_datetime(ctx.clock.now_ms())
