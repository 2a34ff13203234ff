"""`tapewatch doctor` beside a running stack."""

from __future__ import annotations

import pytest

from deploy.embedded.examination import Level, examine
from tests.kit.stack import RunningStack


def test_the_doctor_looks_where_the_stack_of_the_folder_is_and_not_where_the_environment_says(
    stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPEWATCH_KAFKA_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("TAPEWATCH_CLICKHOUSE_URL", "http://127.0.0.1:1")
    found = [one.text for one in examine(stack.directory.root, offline=True) if one.level is Level.WELL]
    assert f"Kafka at {stack.settings.kafka_brokers} answers" in found
    assert f"ClickHouse at {stack.settings.clickhouse_url} answers" in found
    assert "Redis answers" in found
