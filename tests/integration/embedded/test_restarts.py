"""Deaths of services and of the supervisor itself: what is kept, what is started again, what is left."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import clickhouse_connect
import psutil
import psycopg
import pytest
import redis
from clickhouse_connect.driver.client import Client

from core.settings import Settings
from core.wire.kafka import cluster_id
from tests.kit.stack import RunningStack, reachable_folder, running_stack, server_url
from tests.kit.waiting import wait_until

SERVICES = ("broker", "postgres", "valkey", "clickhouse")


@pytest.fixture
def folder() -> Generator[Path]:
    with reachable_folder() as path:
        yield path / "data"


def clickhouse(settings: Settings) -> Client:
    host, _, port = settings.clickhouse_url.removeprefix("http://").partition(":")
    return clickhouse_connect.get_client(
        host=host,
        port=int(port),
        username=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
        autogenerate_session_id=False,
    )


def write_everywhere(settings: Settings) -> None:
    with psycopg.connect(server_url(settings.postgres_url.get_secret_value()), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.set("kept", "7")
    with clickhouse(settings) as client:
        client.command("CREATE TABLE kept (n Int32) ENGINE = MergeTree ORDER BY n")
        client.insert("kept", [[7]], column_names=["n"])


def assert_kept_everywhere(settings: Settings) -> None:
    with psycopg.connect(server_url(settings.postgres_url.get_secret_value())) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        assert client.get("kept") == b"7"
    with clickhouse(settings) as client:
        assert client.query("SELECT n FROM kept").result_rows == [(7,)]


def is_back(stack: RunningStack, name: str, before: int) -> bool:
    part = next(part for part in stack.run().parts if part.name == name)
    return part.status == "up" and part.pid not in (0, before)


def test_each_killed_service_comes_back_with_what_it_had(folder: Path) -> None:
    with running_stack(folder) as stack:
        settings = stack.settings
        write_everywhere(settings)
        first_cluster = cluster_id(settings)
        for name in SERVICES:
            before = stack.pid_of(name)
            os.kill(before, signal.SIGKILL)
            wait_until(lambda n=name, b=before: is_back(stack, n, b), timeout_s=60, what=f"{name} is back")
        assert_kept_everywhere(settings)
        assert cluster_id(settings) != first_cluster, "a broker that lost its log must say so"


def test_stopping_and_starting_again_keeps_data_ports_and_secrets(folder: Path) -> None:
    with running_stack(folder) as stack:
        write_everywhere(stack.settings)
        first = stack.variables
        pids = [part.pid for part in stack.run().parts]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with running_stack(folder) as stack:
        assert stack.variables == first
        assert_kept_everywhere(stack.settings)
        assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_killing_the_supervisor_leaves_no_process_and_the_folder_starts_again(folder: Path) -> None:
    with running_stack(folder) as stack:
        write_everywhere(stack.settings)
        family = psutil.Process(stack.process.pid).children(recursive=True)
        assert len(family) >= len(SERVICES)
        stack.process.kill()
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
    with running_stack(folder) as stack:
        assert_kept_everywhere(stack.settings)


def test_a_taken_port_of_a_service_is_replaced_and_remembered(folder: Path) -> None:
    with running_stack(folder) as stack:
        before = stack.run().ports["valkey"]
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before))
        squatter.listen()
        with running_stack(folder) as stack:
            after = stack.run().ports["valkey"]
    assert after != before
    with running_stack(folder) as stack:
        assert stack.run().ports["valkey"] == after
