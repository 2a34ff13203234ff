"""A broker of each test's own, to be killed; everything else is the embedded stack's."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from core.settings import Settings
from core.store import migrate
from deploy.embedded import environment
from deploy.kafka.broker import KafkaBroker
from tests.kit import apache_kafka
from tests.kit.stack import RunningStack
from tests.kit.stack import variables_of as all_variables_of


@pytest.fixture
def kafka_broker(tmp_path: Path) -> Generator[KafkaBroker]:
    with apache_kafka.running_kafka(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def own(stack: RunningStack, kafka_broker: KafkaBroker, tmp_path: Path) -> Generator[Settings]:
    settings = stack.settings_for_a_test(tmp_path)
    own = environment.settings_of({**all_variables_of(settings), **apache_kafka.variables_of(kafka_broker)})
    migrate.run(own)
    yield own
    stack.drop_databases(own)
