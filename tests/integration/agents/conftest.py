from __future__ import annotations

from collections.abc import Generator

import pytest

from core.settings import Settings
from tests.kit.agents_world import World, make_world


@pytest.fixture
def world(migrated: Settings) -> Generator[World]:
    made = make_world(migrated)
    yield made
    made.close()
