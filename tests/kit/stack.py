"""The four services of the embedded stack, running beside the tests, and settings that share them fairly."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
import psycopg
import redis
from psycopg import sql

from core.settings import Settings
from deploy.embedded import environment, guard, runfile
from deploy.embedded.datadir import DataDir
from tests.kit.waiting import wait_until

_START_S = 60.0
_REDIS_DATABASES = 8


@dataclass(slots=True)
class RunningStack:
    """`variables` are the TAPEWATCH_* variables with which its processes would run."""

    directory: DataDir
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes]
    given_out: int = 0

    @property
    def settings(self) -> Settings:
        """Settings of the stack itself, with nothing of a test's own."""
        return environment.settings_of(self.variables)

    def run(self) -> runfile.Run:
        """Return what `run.json` says now."""
        run = runfile.read(self.directory.run_file)
        assert run is not None, "the stack has stopped"
        return run

    def pid_of(self, name: str) -> int:
        return next(part.pid for part in self.run().parts if part.name == name)

    def settings_for_a_test(self, folder: Path) -> Settings:
        """Return settings with a topic prefix, an empty Postgres database, a Redis pair and names of their own."""
        name = f"t{uuid.uuid4().hex[:12]}"
        postgres_url = self.settings.postgres_url.get_secret_value()
        with psycopg.connect(server_url(postgres_url), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        number = 2 * (self.given_out % (_REDIS_DATABASES - 1)) + 2
        self.given_out += 1
        redis_url = self.settings.redis_url.get_secret_value().rpartition("/")[0]
        for database in (number, number + 1):
            with contextlib.closing(redis.Redis.from_url(f"{redis_url}/{database}")) as client:
                client.flushdb()
        own = {
            "TOPIC_PREFIX": f"{name}.",
            "POSTGRES_URL": database_url(postgres_url, name),
            "REDIS_URL": f"{redis_url}/{number}",
            "CELERY_BROKER_URL": f"{redis_url}/{number + 1}",
            "CLICKHOUSE_DATABASE": name,
            "DATA_DIR": str(folder),
            "BLOB_URL": f"file://{folder}/blobs",
        }
        prefixed = {f"TAPEWATCH_{key}": value for key, value in own.items()}
        return environment.settings_of({**self.variables, **prefixed})

    def drop_databases(self, settings: Settings) -> None:
        """Drop what a test had of its own: ten megabytes of the embedded ClickHouse's limit are each test's tables."""
        self._drop_postgres(settings)
        user, password = settings.clickhouse_user, settings.clickhouse_password.get_secret_value()
        with contextlib.closing(
            clickhouse_connect.get_client(dsn=settings.clickhouse_url, username=user, password=password)
        ) as client:
            client.command(f"DROP DATABASE IF EXISTS {settings.clickhouse_database} SYNC")

    def _drop_postgres(self, settings: Settings) -> None:
        name = settings.postgres_url.get_secret_value().rpartition("/")[2]
        with psycopg.connect(server_url(self.settings.postgres_url.get_secret_value()), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def variables_of(settings: Settings) -> dict[str, str]:
    """Return the environment that makes a process load these settings."""
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is None:
            continue
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        found[f"TAPEWATCH_{name.upper()}"] = str(text).lower() if isinstance(text, bool) else str(text)
    return found


def server_url(url: str) -> str:
    """Return the URL of the server's own database, from which others are made."""
    return database_url(url, "postgres")


def database_url(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


@contextlib.contextmanager
def running_stack(data_dir: Path) -> Generator[RunningStack]:
    """Start the services in a folder and stop them, leaving no process."""
    directory = DataDir(data_dir)
    output = data_dir.with_name(data_dir.name + ".out")
    with output.open("wb") as file:
        process = start(data_dir, output=file.fileno())
    try:
        wait_until(lambda: _is_up(directory, process, output), timeout_s=_START_S, what="the embedded services")
        yield RunningStack(directory, environment.of_running_stack(data_dir), process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def start(data_dir: Path, *, output: int) -> subprocess.Popen[bytes]:
    """Start `python -m deploy.embedded`; should the tests be killed, it ends too."""
    command = [sys.executable, "-m", "deploy.embedded", "--data-dir", str(data_dir)]
    guarded = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "-", "--"]
    return subprocess.Popen(
        [*guarded, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=environment.CHECKOUT,
    )


def _is_up(directory: DataDir, process: subprocess.Popen[bytes], output: Path) -> bool:
    assert process.poll() is None, f"the embedded services ended: {output.read_text()}"
    run = runfile.read(directory.run_file)
    return run is not None and run.ready


@contextlib.contextmanager
def reachable_folder() -> Generator[Path]:
    """Yield a temporary folder that PostgreSQL's user may enter (pytest's own are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="tapewatch-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
