"""Alembic's entry: runs the revisions on the connection it is given."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from core.store.tables import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    assert isinstance(connection, Connection), "migrations are started by core.store.migrate"
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    context.run_migrations()


run()
