"""The schema that the migrations make is the one the tables describe, however often and by whomever they run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text

from core.errors import ConfigError, Unavailable
from core.settings import Settings
from core.store import migrate, postgres
from core.store.tables import metadata
from tests.kit.stack import database_url, server_url


def test_migrated_tables_are_the_described_ones(migrated: Settings) -> None:
    engine = postgres.engine(migrated)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_several_may_migrate_at_once(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(migrate.run, settings) for _ in range(4)]:
            done.result()
    engine = postgres.engine(settings)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
    engine.dispose()


def test_a_missing_database_is_made(settings: Settings) -> None:
    url = settings.postgres_url.get_secret_value()
    own = settings.model_copy(update={"postgres_url": SecretStr(database_url(url, "made_by_a_test"))})
    try:
        migrate.migrate_postgres(own)
        engine = postgres.engine(own)
        postgres.check(engine)
        engine.dispose()
    finally:
        server = postgres.engine(settings.model_copy(update={"postgres_url": SecretStr(server_url(url))}))
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE made_by_a_test WITH (FORCE)"))
        server.dispose()


def test_a_wrong_password_is_a_mistake_of_the_configuration_and_shows_no_secret(settings: Settings) -> None:
    url = postgres.url(settings).set(password="hunter2", drivername="postgresql")
    wrong = settings.model_copy(update={"postgres_url": SecretStr(url.render_as_string(hide_password=False))})
    with pytest.raises(ConfigError, match="TAPEWATCH_POSTGRES_URL") as refused:
        migrate.run(wrong)
    assert "hunter2" not in str(refused.value)


def test_a_database_without_tables_is_not_ready_yet(settings: Settings) -> None:
    engine = postgres.engine(settings)
    with pytest.raises(Unavailable, match="tapewatch migrate"), engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM users"))
    engine.dispose()
