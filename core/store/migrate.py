"""Bring every store to the schema of this version: Postgres by Alembic, ClickHouse by its own numbered DDL.

Safe to call at every start and by several processes at once: an advisory lock lets one at a time through,
and the others find nothing left to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import psycopg.errors
import psycopg.sql
from sqlalchemy import Connection, inspect, text

from core.errors import ConfigError, Unavailable
from core.observability import logger
from core.settings import Settings
from core.store import postgres
from core.store.clickhouse import schema
from core.store.clickhouse.client import ClickHouse

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "migrations" / "versions"
_LOCK = 7_261_001
_CLICKHOUSE_TIMEOUT_S = 900.0
_log = logger(__name__)


def run(settings: Settings) -> None:
    """Create the database where it is missing, then migrate Postgres and ClickHouse.

    Raises:
        Unavailable: a store does not answer; nothing is half-done, Postgres migrates in one transaction.
        ConfigError: a store answers, but refuses us.
    """
    migrate_postgres(settings)
    migrate_clickhouse(settings)


def migrate_clickhouse(settings: Settings) -> None:
    # Copying a year of candles into a new table takes its time.
    clickhouse = ClickHouse(settings, timeout_s=_CLICKHOUSE_TIMEOUT_S)
    engine = postgres.engine(settings, pool_size=1, statement_timeout_ms=0)
    try:
        # ClickHouse has no lock of its own: that of Postgres lets one at a time through here too.
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            for applied in schema.create(clickhouse):
                _log.info("ClickHouse migrated", version=applied.version, about=applied.about)
    finally:
        clickhouse.close()
        engine.dispose()
    _log.info("ClickHouse schema is current")


def migrate_postgres(settings: Settings) -> None:
    _create_database(settings)
    engine = postgres.engine(settings, pool_size=1, statement_timeout_ms=0)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if _version(connection) != newest_revision():
                # Loaded only when there is something to do: it takes most of the time of a start.
                from alembic import command

                command.upgrade(alembic_config(connection), "head")
    finally:
        engine.dispose()
    _log.info("Postgres schema is current")


def newest_revision() -> str:
    """Return the number that the last revision's file begins with."""
    return max(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))


def _version(connection: Connection) -> str:
    """Return the revision the database is at, empty for one that was never migrated."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""


def alembic_config(connection: Connection) -> Config:
    """Return Alembic's configuration for revisions run on this connection, without any ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _create_database(settings: Settings) -> None:
    """Create the database of the URL when the server says there is none."""
    url = postgres.url(settings)
    name = url.database or ""
    try:
        _connect(settings, database=name).close()
    except psycopg.OperationalError as error:
        if f'database "{name}" does not exist' not in str(error):
            raise _refused(error) from None
    else:
        return
    try:
        with _connect(settings, database="postgres") as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.errors.UniqueViolation:
        return  # two creating at the same moment
    except psycopg.OperationalError as error:
        raise _refused(error) from None
    except psycopg.errors.InsufficientPrivilege:
        raise ConfigError(f"database {name!r} does not exist and TAPEWATCH_POSTGRES_URL may not create it") from None


def _connect(settings: Settings, *, database: str) -> psycopg.Connection[tuple[object, ...]]:
    url = postgres.url(settings).set(drivername="postgresql", database=database)
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, connect_timeout=5)


def _refused(error: psycopg.OperationalError) -> ConfigError | Unavailable:
    if "authentication failed" in str(error):
        return ConfigError("TAPEWATCH_POSTGRES_URL: Postgres refuses this user or password")
    return Unavailable("Postgres does not answer")
