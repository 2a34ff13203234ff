"""Fixtures of every test: the embedded services (started once, when first asked for), and settings on them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import migrate
from tests.kit.apache_kafka import broker_of_the_run
from tests.kit.stack import RunningStack, reachable_folder, running_stack


@pytest.fixture(scope="session")
def stack() -> Generator[RunningStack]:
    """Broker, PostgreSQL, Valkey and ClickHouse, without our own processes."""
    with (
        reachable_folder() as folder,
        running_stack(folder / "data") as running,
        broker_of_the_run(folder / "kafka") as instead,
    ):
        running.variables = {**running.variables, **instead}
        yield running


@pytest.fixture
def settings(stack: RunningStack, tmp_path: Path) -> Generator[Settings]:
    """Settings of a test: topics, databases and folder of its own, all empty."""
    own = stack.settings_for_a_test(tmp_path)
    yield own
    stack.drop_databases(own)


@pytest.fixture
def migrated(settings: Settings) -> Settings:
    """The same, with the tables of Postgres and ClickHouse in place."""
    migrate.run(settings)
    return settings
