from __future__ import annotations

from collections.abc import Generator
from uuid import uuid4

import pytest

from core.store import migrate, postgres, users
from tests.kit.agents_world import World
from tests.kit.intents import Intents
from tests.kit.stack import RunningStack


@pytest.fixture(scope="module")
def intents(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Generator[Intents]:
    settings = stack.settings_for_a_test(tmp_path_factory.mktemp("brokers"))
    migrate.run(settings)
    engine = postgres.engine(settings)
    user_id = uuid4()
    with engine.begin() as tx:
        users.create(tx, user_id=user_id, email=f"{user_id}@example.com", password_hash="")
    world = World(settings, engine, user_id)
    yield Intents(world, world.pipeline().id)
    engine.dispose()
    stack.drop_databases(settings)
