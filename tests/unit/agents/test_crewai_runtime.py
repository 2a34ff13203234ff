"""Contracts with the pinned CrewAI: each private part we lean on is there and does what we want of it.

What `prepare` must keep away is seen in processes of their own: here it is prepared already.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from crewai import Agent, Crew, Task
from crewai.events import crewai_event_bus, event_context
from crewai.events.event_listener import event_listener
from crewai.flow.flow import Flow
from crewai.utilities import file_store
from crewai.utilities.task_output_storage_handler import TaskOutputStorageHandler
from crewai_core import lock_store

from agents.crewai_runtime import NoTaskOutputs, prepare

ROOT = Path(__file__).parents[3]
_RUN = """
import socket, sys, warnings
warnings.simplefilter("ignore")
def refuse(*args, **kwargs):
    print("CONNECTS", args); raise OSError("no network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from pathlib import Path
from agents import crewai_runtime
crewai_runtime.load(Path(sys.argv[1]))
from agents import warm
warm.warm()
print("DONE")
"""


def test_nothing_is_printed_asked_or_sent_and_no_file_lies_outside_the_folder(tmp_path: Path) -> None:
    home, temp, own = tmp_path / "home", tmp_path / "temp", tmp_path / "own"
    home.mkdir()
    temp.mkdir()
    variables = {**os.environ, "HOME": str(home), "TMPDIR": str(temp), "REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(own)],
        env=variables, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240, check=True,
    )  # fmt: skip
    assert done.stdout == "DONE\n"
    assert "CONNECTS" not in done.stderr
    assert [p for p in (*home.rglob("*"), *temp.rglob("*")) if p.is_file()] == []


def test_prepare_takes_away_what_would_lead_to_other_servers(tmp_path: Path) -> None:
    before = dict(os.environ)
    try:
        os.environ["OPENAI_API_KEY"] = "k"
        os.environ["REDIS_URL"] = "redis://elsewhere"
        prepare(tmp_path / "private")
        assert "OPENAI_API_KEY" not in os.environ
        assert "REDIS_URL" not in os.environ
        assert Path(os.environ["HOME"]) == tmp_path / "private"
        assert "OTEL_SDK_DISABLED" not in os.environ
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_panels_are_off() -> None:
    assert event_listener.formatter.verbose is False


def test_event_pairing_is_silent() -> None:
    config = event_context._default_config  # pyright: ignore[reportPrivateUsage]
    assert config.mismatch_behavior is event_context.MismatchBehavior.SILENT
    assert config.empty_pop_behavior is event_context.MismatchBehavior.SILENT


def test_task_outputs_are_kept_nowhere() -> None:
    assert isinstance(TaskOutputStorageHandler().storage, NoTaskOutputs)
    assert TaskOutputStorageHandler().load() == []


def test_nobody_listens_to_its_events() -> None:
    listened_to = crewai_event_bus._sync_handlers or crewai_event_bus._async_handlers  # pyright: ignore[reportPrivateUsage]
    assert not listened_to


def test_a_look_for_files_makes_no_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio, "run")
    assert not file_store.get_all_files(uuid4(), uuid4())
    file_store.clear_task_files(uuid4())


def test_locks_are_in_this_process(tmp_path: Path) -> None:
    del tmp_path
    with lock_store.lock("one"), lock_store.lock("one"):
        pass


def test_a_flow_makes_no_memory_of_its_own() -> None:
    from agents.flow import _PipelineFlow  # pyright: ignore[reportPrivateUsage]

    assert issubclass(_PipelineFlow, Flow)
    declared = {
        "schema": "crewai.flow/v1",
        "name": "one",
        "state": {"type": "pydantic", "ref": "agents.flow:FlowState"},
        "methods": {
            "a": {"do": {"call": "code", "ref": "agents.flow:run_node", "with": {"node_id": "a"}}, "start": True}
        },
    }
    assert _PipelineFlow.from_declaration(contents=declared).memory is None


def test_the_names_we_import_are_where_they_were() -> None:
    assert {Agent.__name__, Crew.__name__, Task.__name__} == {"Agent", "Crew", "Task"}
