from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import migrate
from tests.kit.agents_world import BEAT, DISPATCHER, WORKER, World, make_world
from tests.kit.stack import RunningStack


@pytest.fixture
def world(migrated: Settings) -> Generator[World]:
    """A world without processes of ours."""
    made = make_world(migrated)
    yield made
    made.close()


@pytest.fixture
def platform(shared: World) -> World:
    """A world with dispatcher, worker and upkeep, and a user of this test's own."""
    shared.become_another_user()
    return shared


@pytest.fixture(scope="module")
def shared(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """One set of processes for the tests of a module: a worker takes long to start."""
    folder = tmp_path_factory.mktemp("platform")
    settings = stack.settings_for_a_test(folder)
    migrate.run(settings)
    world = make_world(settings)
    with contextlib.ExitStack() as processes:
        for arguments, name in ((DISPATCHER, "dispatcher"), (WORKER, "worker"), (BEAT, "beat")):
            process = processes.enter_context(world.process(arguments, folder))
            world.wait_until_ready(name, process)
        yield world
    world.close()
    stack.drop_databases(settings)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path
