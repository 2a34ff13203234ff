"""Pipelines and every version they had."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    Text,
    TypedColumns,
)

from core.store.tables.columns import ID, JSON_OBJECT, NOW, TIMESTAMP, metadata

PIPELINE_STATES = ("draft", "active", "paused", "archived")


class PipelineColumns(TypedColumns):
    id: Named[UUID] = Column(ID, primary_key=True)
    user_id: Named[UUID] = Column(ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    name: Named[str] = Column(Text, nullable=False)
    description: Named[str] = Column(Text, nullable=False, server_default="")
    symbols: Named[list[str]] = Column(ARRAY(Text), nullable=False)
    config: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    """The pipeline's JSON; its `id` is this row's id."""
    state: Named[str] = Column(Text, nullable=False, server_default="draft")
    """draft | active | paused | archived"""
    version: Named[int] = Column(Integer, nullable=False, server_default="1")
    """Grows with every change of the config."""
    trigger_version: Named[int] = Column(Integer, nullable=False, server_default="1")
    """Grows only when what the trigger means changes (T31)."""
    trigger_config_hash: Named[str] = Column(Text, nullable=False, server_default="")
    trigger_node_id: Named[str] = Column(Text, nullable=False, server_default="")
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


pipelines = Table(
    "pipelines",
    metadata,
    PipelineColumns,
    CheckConstraint("state IN ('draft', 'active', 'paused', 'archived')", name="state"),
)
Index("ix_pipelines_user_id_state", pipelines.c.user_id, pipelines.c.state)
Index("ix_pipelines_config", pipelines.c.config, postgresql_using="gin")


class PipelineVersionColumns(TypedColumns):
    """What an execution was made of stays readable after the pipeline has moved on."""

    pipeline_id: Named[UUID] = Column(ID, ForeignKey("pipelines.id", ondelete="CASCADE"), primary_key=True)
    version: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    trigger_version: Named[int] = Column(Integer, nullable=False)
    config: Named[dict[str, object]] = Column(JSON_OBJECT, nullable=False)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


pipeline_versions = Table("pipeline_versions", metadata, PipelineVersionColumns)
