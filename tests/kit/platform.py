"""The whole platform as a user starts it: `tapewatch up` in a folder of its own, watched from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import psutil
import psycopg
from psycopg.rows import dict_row

from core.settings import Settings
from deploy.embedded import environment, runfile
from tests.kit.waiting import wait_until

DEMO_EMAIL = "demo@tapewatch.local"
_READY_S = 120.0
"""Long enough for a loaded machine; how long it really takes is the soak's and the README's business."""

Row = dict[str, object]


@dataclass(slots=True)
class Platform:
    """`output` holds what the terminal showed."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    output: Path

    @property
    def settings(self) -> Settings:
        return environment.settings_of(environment.of_running_stack(self.data_dir))

    @property
    def password(self) -> str:
        return self.settings.demo_password.get_secret_value()

    def run(self) -> runfile.Run:
        found = runfile.read(self.data_dir / "run.json")
        assert found is not None, f"the platform has stopped: {self.output.read_text()[-2000:]}"
        return found

    def part(self, name: str) -> runfile.RunningPart:
        return next(p for p in self.run().parts if p.name == name)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return what Postgres answers; raises while it is away."""
        url = self.settings.postgres_url.get_secret_value().replace("postgresql+psycopg:", "postgresql:")
        with psycopg.connect(url, connect_timeout=5) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def completed(self) -> int:
        """Return how many executions have completed, or 0 while Postgres is away."""
        with contextlib.suppress(psycopg.Error):
            [row] = self.rows("SELECT count(*) AS n FROM pipeline_executions WHERE status = 'completed'")
            return int(str(row["n"]))
        return 0

    def stop(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=40)


@contextlib.contextmanager
def running_platform(
    data_dir: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> Generator[Platform]:
    """Run `tapewatch up` until the block ends; processes it left behind fail the test.

    Args:
        variables: Of its environment, beside ours.
    """
    output = data_dir.with_name(data_dir.name + ".out")
    command = [sys.executable, "-m", "cli.main", "up", "--data-dir", str(data_dir), *arguments]
    with output.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            cwd=environment.CHECKOUT, env={**os.environ, **(variables or {})}, start_new_session=True,
        )  # fmt: skip
    platform = Platform(process, data_dir, output)
    children: set[int] = set()
    try:
        wait_until(lambda: _is_ready(platform), timeout_s=_READY_S, what="tapewatch up", every_s=0.2)
        yield platform
    finally:
        if process.poll() is None:
            children = {c.pid for c in psutil.Process(process.pid).children(recursive=True)}
            platform.stop()
    wait_until(lambda: not alive(children), timeout_s=10, what="every process gone")


def alive(pids: set[int]) -> set[int]:
    return {p for p in pids if _is_alive(p)}


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_ready(platform: Platform) -> bool:
    code = platform.process.poll()
    assert code is None, f"tapewatch up ended with {code}: {platform.output.read_text()[-3000:]}"
    run = runfile.read(platform.data_dir / "run.json")
    return run is not None and run.ready


class Browserless:
    """The API as a script with a cookie jar sees it."""

    def __init__(self, platform: Platform) -> None:
        self._base = platform.run().url.rstrip("/")
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self.post("/api/v1/auth/login", {"email": DEMO_EMAIL, "password": platform.password})

    def get(self, path: str) -> object:
        with self._opener.open(self._base + path, timeout=10) as response:
            return json.load(response)

    def post(self, path: str, body: object) -> object:
        token = next((c.value or "" for c in self._jar if "XSRF" in c.name.upper()), "")
        request = urllib.request.Request(
            self._base + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Origin": self._base, "X-XSRF-TOKEN": token},
        )
        with self._opener.open(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
