"""No container engine is needed: the file is held to the compose specification and to our settings."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
import yaml

from core.processes import PROCESSES
from core.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"
KNOWN = {PREFIX + name.upper() for name in Settings.model_fields}


def services() -> dict[str, dict[str, object]]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def environment_of(service: dict[str, object]) -> dict[str, str]:
    return {k: str(v) for k, v in cast("dict[str, object]", service.get("environment", {})).items()}


def test_the_file_follows_the_compose_specification() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    result = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_variable_it_sets_is_one_the_settings_know() -> None:
    ours = {v for s in services().values() for v in environment_of(s) if v.startswith(PREFIX)}
    assert ours
    assert ours <= KNOWN, f"unknown: {sorted(ours - KNOWN)}"


def test_its_settings_load(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(services()["api"]).items():
        monkeypatch.setenv(name, re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", r"\1", value))
    assert Settings().kafka_brokers == "kafka:9092"


def test_its_kafka_is_the_one_the_tests_run_on() -> None:
    jars = (ROOT / "deploy/kafka/jars.lock").read_text()
    tested = set(re.findall(r"^org\.apache\.kafka:kafka-clients:(\S+) ", jars, re.M))
    assert {str(services()["kafka"]["image"])} == {f"apache/kafka:{version}" for version in tested}


def test_every_process_of_the_platform_has_a_service() -> None:
    names = set(services())
    for process in PROCESSES:
        assert process.name in names or f"{process.name}-0" in names, process.name


def test_every_module_a_service_runs_exists() -> None:
    for name, service in services().items():
        command = cast("list[str]", service.get("command", []))
        if command[:2] == ["python", "-m"]:
            assert importlib.util.find_spec(command[2]), f"{name}: {command}"


def test_every_variable_in_env_example_is_one_the_settings_know_and_none_is_missing() -> None:
    listed = set(re.findall(r"^#? ?(TAPEWATCH_\w+)=", (ROOT / ".env.example").read_text(), re.M))
    assert listed == KNOWN
