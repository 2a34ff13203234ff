"""Broker connections: their secrets are sealed in the table, opened for their user only, and survive a rotation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text, update

from core.errors import NotFound
from core.sealing.envelope import CannotOpen
from core.sealing.key_file import KeyFile, read_keys, write_keys
from core.settings import Settings
from core.store import broker_connections, postgres, users
from core.store.broker_connections import Credentials
from core.store.tables import broker_connections as table
from tests.kit.stack import variables_of

CREDENTIALS = Credentials("PKNOTTOBESEEN", "s3cretnottobeseen")


@pytest.fixture
def engine(migrated: Settings) -> Generator[Engine]:
    made = postgres.engine(migrated, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_keys(tmp_path / "master.key", [os.urandom(32)])
    return tmp_path / "master.key"


@pytest.fixture
def keys(path: Path) -> KeyFile:
    return read_keys(path)


def connect(engine: Engine, keys: KeyFile) -> tuple[UUID, UUID]:
    """Add a user and a connection; return both ids."""
    user_id, connection_id = uuid4(), uuid4()
    with engine.begin() as tx:
        users.create(tx, user_id=user_id, email=f"{user_id}@example.com", password_hash="")
        broker_connections.add(
            tx, keys, CREDENTIALS, connection_id=connection_id, user_id=user_id, name="mine", broker_name="alpaca"
        )
    return user_id, connection_id


def test_a_connection_is_listed_without_its_secrets_and_opened_for_its_user(engine: Engine, keys: KeyFile) -> None:
    user_id, connection_id = connect(engine, keys)
    with engine.begin() as tx:
        (listed,) = broker_connections.of_user(tx, user_id)
        opened = broker_connections.credentials(tx, keys, connection_id=connection_id, user_id=user_id)
        stored = str(tx.execute(text("select broker_connections::text from broker_connections")).all())
    assert opened == CREDENTIALS
    assert (listed.name, listed.account_type, listed.is_live_enabled) == ("mine", "paper", False)
    shown = f"{listed!r} {opened!r} {stored}"
    assert "nottobeseen" not in shown.lower()
    assert CREDENTIALS.api_secret.encode().hex() not in shown


def test_another_user_finds_no_such_connection(engine: Engine, keys: KeyFile) -> None:
    _, connection_id = connect(engine, keys)
    with engine.begin() as tx, pytest.raises(NotFound):
        broker_connections.credentials(tx, keys, connection_id=connection_id, user_id=uuid4())


def test_a_row_given_to_another_user_by_hand_does_not_open(engine: Engine, keys: KeyFile) -> None:
    _, connection_id = connect(engine, keys)
    thief, _ = connect(engine, keys)
    with engine.begin() as tx:
        tx.execute(update(table).where(table.c.id == connection_id).values(user_id=thief, name="stolen"))
    with engine.begin() as tx, pytest.raises(CannotOpen):
        broker_connections.credentials(tx, keys, connection_id=connection_id, user_id=thief)


def tapewatch(settings: Settings, path: Path, *arguments: str) -> str:
    own = settings.model_copy(update={"master_key_file": path})
    environment = {**os.environ, **variables_of(own), "TAPEWATCH_MASTER_KEY_FILE": str(path)}
    command = [sys.executable, "-m", "cli.main", "credentials", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_rotation_moves_every_connection_and_only_then_may_the_old_key_go(
    engine: Engine, keys: KeyFile, path: Path, migrated: Settings
) -> None:
    with engine.begin() as tx:
        tx.execute(table.delete())
    known = [connect(engine, keys) for _ in range(3)]
    said = tapewatch(migrated, path, "rotate")
    assert "3 connections sealed" in said
    assert CREDENTIALS.api_secret not in said
    renewed = read_keys(path)
    assert renewed.ids[1:] == (keys.current_id,)
    assert f"{renewed.current_id}  seals 3  current" in tapewatch(migrated, path, "status")
    assert "1 older keys dropped" in tapewatch(migrated, path, "rotate", "--resume", "--forget-old")
    left = read_keys(path)
    assert left.ids == (renewed.current_id,)
    with engine.begin() as tx:
        for user_id, connection_id in known:
            found = broker_connections.credentials(tx, left, connection_id=connection_id, user_id=user_id)
            assert found == CREDENTIALS
