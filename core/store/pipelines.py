"""Pipelines, their versions, and the control records that arm and disarm their triggers.

What changes a trigger writes its record to the outbox in the same transaction, while the pipeline's row is
held: so the records of one pipeline stand in the log in the order of its changes, and none is missing.
Every record but a tombstone carries the whole definition, as a compacted topic keeps the last one only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, insert, select, tuple_, update

from core.clock import to_ms
from core.errors import Conflict, NotFound
from core.store import events, outbox
from core.store.rows import columns, read_all, read_first
from core.store.tables import pipeline_versions, pipelines
from core.wire.records import TriggerRecord, encode

State = Literal["draft", "active", "paused", "archived"]
_c = pipelines.c


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A checked pipeline. `trigger_hash` is the hash of what its trigger means (`engine.canonical`)."""

    name: str
    description: str
    symbols: list[str]
    config: dict[str, object]
    trigger_node_id: str
    trigger_hash: str


class StoredPipeline(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_id: UUID
    name: str
    description: str
    symbols: list[str]
    config: dict[str, object]
    state: State
    version: int
    trigger_version: int
    trigger_config_hash: str
    trigger_node_id: str
    created_at: datetime
    updated_at: datetime

    @property
    def trigger_id(self) -> str:
        return f"{self.id}/{self.trigger_node_id}"


class PipelineVersion(msgspec.Struct, frozen=True):
    pipeline_id: UUID
    version: int
    trigger_version: int
    config: dict[str, object]
    created_at: datetime


_COLUMNS = columns(pipelines, StoredPipeline)


def create(
    tx: Connection, *, pipeline_id: UUID, user_id: UUID, definition: Definition, is_active: bool, at: datetime
) -> StoredPipeline:
    """Save a new pipeline as version 1, and arm its trigger if it is active.

    Raises:
        IntegrityError: the id is taken.
    """
    tx.execute(
        insert(pipelines).values(
            id=pipeline_id,
            user_id=user_id,
            name=definition.name,
            description=definition.description,
            symbols=definition.symbols,
            config=definition.config,
            state="active" if is_active else "draft",
            version=1,
            trigger_version=1,
            trigger_config_hash=definition.trigger_hash,
            trigger_node_id=definition.trigger_node_id,
            created_at=at,
            updated_at=at,
        )
    )
    made = get(tx, user_id, pipeline_id)
    _keep_version(tx, made)
    if is_active:
        _send(tx, made, "set", at)
    _tell(tx, made, at)
    return made


def revise(
    tx: Connection,
    user_id: UUID,
    pipeline_id: UUID,
    definition: Definition,
    *,
    expected_version: int | None,
    is_active: bool | None,
    at: datetime,
) -> StoredPipeline:
    """Save a changed pipeline as its next version; the same config again is no version.

    The trigger's version grows only where its meaning or its node changed, and only then is it armed anew (T31).

    Args:
        expected_version: The version that was edited; None to overwrite whatever is there.
        is_active: Its state from now on; None leaves it.

    Raises:
        NotFound: there is none of this user.
        Conflict: it has changed since, or it is archived.
    """
    old = _hold(tx, user_id, pipeline_id)
    if old.state == "archived":
        raise Conflict(f"pipeline {old.name!r} is archived; it no longer changes")
    if expected_version is not None and expected_version != old.version:
        raise Conflict(f"pipeline {old.name!r} is at version {old.version}, not {expected_version}; read it again")
    moved = definition.trigger_node_id != old.trigger_node_id
    is_new_trigger = moved or definition.trigger_hash != old.trigger_config_hash
    is_new_version = definition.config != old.config
    state: State = old.state if is_active is None else ("active" if is_active else "draft")
    tx.execute(
        update(pipelines)
        .where(_c.id == pipeline_id)
        .values(
            name=definition.name,
            description=definition.description,
            symbols=definition.symbols,
            config=definition.config,
            state=state,
            version=old.version + is_new_version,
            trigger_version=old.trigger_version + is_new_trigger,
            trigger_config_hash=definition.trigger_hash,
            trigger_node_id=definition.trigger_node_id,
            updated_at=at,
        )
    )
    new = get(tx, user_id, pipeline_id)
    if is_new_version:
        _keep_version(tx, new)
    if moved and old.state in ("active", "paused"):
        _send(tx, old, "remove", at)
    if state == "active" and (is_new_trigger or old.state != "active"):
        _send(tx, new, "set", at)
    elif state != "active" and old.state == "active":
        _send(tx, new, "remove", at)
    if is_new_version or state != old.state:
        _tell(tx, new, at)
    return new


def pause(tx: Connection, user_id: UUID, pipeline_id: UUID, at: datetime) -> StoredPipeline:
    """Disarm an active pipeline's trigger; a paused one stays as it is.

    Raises:
        NotFound: there is none of this user.
        Conflict: it is a draft, or archived.
    """
    return _move(tx, user_id, pipeline_id, at, source="active", target="paused", action="pause")


def resume(tx: Connection, user_id: UUID, pipeline_id: UUID, at: datetime) -> StoredPipeline:
    """Arm a paused pipeline's trigger, or a draft's for the first time; an active one stays as it is.

    Raises:
        NotFound: there is none of this user.
        Conflict: it is archived.
    """
    old = _hold(tx, user_id, pipeline_id)
    source: State = "draft" if old.state == "draft" else "paused"
    action = "set" if source == "draft" else "resume"
    return _move(tx, user_id, pipeline_id, at, source=source, target="active", action=action)


def archive(tx: Connection, user_id: UUID, pipeline_id: UUID, at: datetime) -> StoredPipeline:
    """Take its trigger away for good. Versions and executions stay readable."""
    old = _hold(tx, user_id, pipeline_id)
    if old.state == "archived":
        return old
    new = _set_state(tx, old, "archived", at)
    if old.state != "draft":
        _send(tx, new, "remove", at)
        outbox.add(tx, "triggers", str(new.id), None)
    return new


def get(tx: Connection, user_id: UUID, pipeline_id: UUID) -> StoredPipeline:
    """Return one pipeline of a user.

    Raises:
        NotFound: there is none, or it is another's; the text does not tell which.
    """
    found = read_first(tx, select(*_COLUMNS).where(_c.id == pipeline_id, _c.user_id == user_id), StoredPipeline)
    if found is None:
        raise NotFound(f"no pipeline {str(pipeline_id)!r}")
    return found


def page(
    tx: Connection,
    user_id: UUID,
    *,
    state: State | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[StoredPipeline]:
    """Return the user's pipelines, the last changed first; archived ones only where asked for."""
    query = select(*_COLUMNS).where(_c.user_id == user_id)
    query = query.where(_c.state == state) if state else query.where(_c.state != "archived")
    if before is not None:
        query = query.where(tuple_(_c.updated_at, _c.id) < before)
    return read_all(tx, query.order_by(_c.updated_at.desc(), _c.id.desc()).limit(limit), StoredPipeline)


def names(tx: Connection, user_id: UUID) -> dict[UUID, str]:
    """Return the names of all the user's pipelines, archived ones too."""
    return {row[0]: row[1] for row in tx.execute(select(_c.id, _c.name).where(_c.user_id == user_id))}


def version(tx: Connection, pipeline_id: UUID, number: int) -> PipelineVersion:
    """Return a version as it was saved.

    Raises:
        NotFound: there was never such a version.
    """
    v = pipeline_versions.c
    query = select(*columns(pipeline_versions, PipelineVersion)).where(
        v.pipeline_id == pipeline_id, v.version == number
    )
    found = read_first(tx, query, PipelineVersion)
    if found is None:
        raise NotFound(f"no version {number} of pipeline {str(pipeline_id)!r}")
    return found


def by_id(tx: Connection, pipeline_id: UUID) -> StoredPipeline | None:
    """Return a pipeline whoever's it is: for processes, never for a request."""
    return read_first(tx, select(*_COLUMNS).where(_c.id == pipeline_id), StoredPipeline)


def send_all(tx: Connection, at: datetime) -> int:
    """Write the control records of every armed and paused pipeline again; return how many.

    For a broker that came back without its log.
    """
    query = select(*_COLUMNS).where(_c.state.in_(("active", "paused"))).order_by(_c.updated_at).with_for_update()
    found = read_all(tx, query, StoredPipeline)
    for pipeline in found:
        _send(tx, pipeline, "set" if pipeline.state == "active" else "pause", at)
    return len(found)


def _hold(tx: Connection, user_id: UUID, pipeline_id: UUID) -> StoredPipeline:
    query = select(*_COLUMNS).where(_c.id == pipeline_id, _c.user_id == user_id).with_for_update()
    found = read_first(tx, query, StoredPipeline)
    if found is None:
        raise NotFound(f"no pipeline {str(pipeline_id)!r}")
    return found


def _move(
    tx: Connection,
    user_id: UUID,
    pipeline_id: UUID,
    at: datetime,
    *,
    source: State,
    target: State,
    action: Literal["set", "pause", "resume"],
) -> StoredPipeline:
    old = _hold(tx, user_id, pipeline_id)
    if old.state == target:
        return old
    if old.state != source:
        raise Conflict(f"pipeline {old.name!r} is {old.state}, so it cannot become {target}")
    new = _set_state(tx, old, target, at)
    _send(tx, new, action, at)
    return new


def _set_state(tx: Connection, old: StoredPipeline, state: State, at: datetime) -> StoredPipeline:
    tx.execute(update(pipelines).where(_c.id == old.id).values(state=state, updated_at=at))
    new = msgspec.structs.replace(old, state=state, updated_at=at)
    _tell(tx, new, at)
    return new


def _keep_version(tx: Connection, pipeline: StoredPipeline) -> None:
    tx.execute(
        insert(pipeline_versions).values(
            pipeline_id=pipeline.id,
            version=pipeline.version,
            trigger_version=pipeline.trigger_version,
            config=pipeline.config,
            created_at=pipeline.updated_at,
        )
    )


def _send(
    tx: Connection, pipeline: StoredPipeline, action: Literal["set", "pause", "resume", "remove"], at: datetime
) -> None:
    node = _trigger_node(pipeline)
    record = TriggerRecord(
        pipeline_id=str(pipeline.id),
        trigger_id=pipeline.trigger_id,
        trigger_version=pipeline.trigger_version,
        action=action,
        user_id=str(pipeline.user_id),
        pipeline_version=pipeline.version,
        at_ms=to_ms(at),
        agent_type=node.agent_type,
        config=node.config,
        symbols=pipeline.symbols,
        primary_timeframe=str(pipeline.config.get("primary_timeframe") or "5m"),
    )
    outbox.add(tx, "triggers", str(pipeline.id), encode(record))


def _tell(tx: Connection, pipeline: StoredPipeline, at: datetime) -> None:
    """Log the change as an event; it goes out with the transaction."""
    event = events.append(
        tx,
        "pipeline_changed",
        user_id=pipeline.user_id,
        at=at,
        pipeline_id=pipeline.id,
        payload={
            "name": pipeline.name,
            "state": pipeline.state,
            "version": pipeline.version,
            "trigger_version": pipeline.trigger_version,
        },
    )
    outbox.add(tx, "events", str(pipeline.id), encode(event))


class _Node(msgspec.Struct, frozen=True):
    id: str
    agent_type: str
    config: dict[str, object] = {}


def _trigger_node(pipeline: StoredPipeline) -> _Node:
    nodes = msgspec.convert(pipeline.config.get("nodes"), list[_Node])
    return next(node for node in nodes if node.id == pipeline.trigger_node_id)


__all__: Sequence[str] = (
    "Definition", "PipelineVersion", "State", "StoredPipeline", "archive", "by_id", "create", "get",
    "names", "page", "pause", "resume", "revise", "send_all", "version",
)  # fmt: skip
