"""Of a whole chain no process of ours reaches for anything but the configured services and its own folders."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from core.settings import Settings
from tests.kit.agents_world import BEAT, DISPATCHER, WORKER, World, make_world
from tests.kit.llm_server import LlmServer
from tests.kit.processes import RunningProcess, running
from tests.kit.stack import variables_of
from tests.kit.walk import ANSWERS

GUARD = Path(__file__).parents[2] / "kit" / "guarded"


@dataclass(frozen=True, slots=True)
class Guarded:
    """Our processes, what is noted of them, and where they may connect to, as host:port."""

    world: World
    server: LlmServer
    processes: list[RunningProcess]
    log: Path
    allowed: frozenset[str]

    @property
    def noted(self) -> list[str]:
        return self.log.read_text().splitlines()

    def connections(self) -> set[str]:
        """Return where sockets of the processes lead to now, those of C libraries among them."""
        found: set[str] = set()
        for process in self.processes:
            for each in psutil.Process(process.pid).net_connections("inet"):
                if each.raddr:
                    found.add(f"{each.raddr.ip}:{each.raddr.port}")
        return found


@pytest.fixture
def guarded(migrated: Settings, tmp_path: Path) -> Generator[Guarded]:
    """A dispatcher, a worker and an upkeep whose home and working folder are not theirs to write to."""
    server = LlmServer(values=dict(ANSWERS)).start()
    settings = migrated.model_copy(
        update={"openai_api_key": SecretStr("sk-test"), "openai_base_url": server.url, "data_dir": tmp_path / "data"}
    )
    log, home = tmp_path / "noted", tmp_path / "home"
    home.mkdir()
    log.touch()
    allowed = _places(settings)
    folders = (str(settings.data_dir), settings.blob_url.removeprefix("file://"), os.environ["NUMBA_CACHE_DIR"])
    variables = {
        **variables_of(settings),
        "HOME": str(home),
        "PYTHONPATH": str(GUARD),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GUARD_LOG": str(log),
        "GUARD_ALLOWED": ",".join(sorted(allowed)),
        "GUARD_FOLDERS": ",".join(folders),
    }
    world = make_world(settings)
    with contextlib.ExitStack() as closing:
        closing.callback(server.close)
        closing.callback(world.close)
        processes: list[RunningProcess] = []
        for arguments, name in ((DISPATCHER, "dispatcher"), (WORKER, "worker"), (BEAT, "beat")):
            process = closing.enter_context(running(variables, arguments, tmp_path / f"{name}.log"))
            processes.append(process)
            world.wait_until_ready(name, process)
        yield Guarded(world, server, processes, log, allowed)


def test_a_chain_connects_to_configured_services_only_and_writes_nowhere_else_and_asks_nobody(
    guarded: Guarded,
) -> None:
    world = guarded.world
    world.market()
    firing = world.firing(world.pipeline())
    world.publish(firing)
    done = world.wait_for_end(firing)
    assert done.status == "completed", done.error
    assert len(guarded.server.calls) == 8
    reached = guarded.connections()
    assert reached
    assert reached <= guarded.allowed
    assert guarded.noted == []
    assert not list((guarded.log.parent / "home").iterdir())


def test_the_guard_refuses_a_connection_and_a_name_and_notes_a_file_and_a_question(tmp_path: Path) -> None:
    program = (
        "import socket\n"
        "for reach, where in (socket.create_connection, ('127.0.0.1', 9)), (socket.gethostbyname, 'example.com'):\n"
        "    try: reach(where)\n"
        "    except PermissionError: print('refused')\n"
        f"open({str(tmp_path / 'elsewhere')!r}, 'w').close()\n"
        "try: input()\n"
        "except EOFError: pass\n"
    )
    variables = {
        "PYTHONPATH": str(GUARD),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GUARD_LOG": str(tmp_path / "noted"),
        "GUARD_ALLOWED": "127.0.0.1:10",
        "GUARD_FOLDERS": str(tmp_path / "own"),
    }
    ended = subprocess.run(
        [sys.executable, "-c", program], env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    assert ended.stdout == b"refused\nrefused\n", ended.stderr
    noted = (tmp_path / "noted").read_text().splitlines()
    assert [line.split()[0] for line in noted] == ["connection", "name", "open", "builtins.input"]


def _places(settings: Settings) -> frozenset[str]:
    """Return host:port of every service that settings name."""
    urls = [
        settings.postgres_url.get_secret_value(),
        settings.redis_url.get_secret_value(),
        settings.celery_broker_url.get_secret_value(),
        settings.clickhouse_url,
        settings.openai_base_url,
    ]
    found = [make_url(url) for url in urls]
    return frozenset({f"{url.host}:{url.port}" for url in found} | set(settings.kafka_brokers.split(",")))
