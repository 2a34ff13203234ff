"""The services a stream benchmark runs on, in a folder of its own, and our processes beside them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from core.heartbeat import Beat
from core.settings import PREFIX, Settings
from core.store import redis as redis_store
from deploy.embedded import environment, guard, runfile
from deploy.embedded.datadir import DataDir
from deploy.kafka.broker import KafkaBroker

START_S = 90.0
FIRST_START_S = 300.0
"""A flow that finds no compiled engine compiles it first."""
_STEP_S = 0.05


@contextlib.contextmanager
def services(broker: str, prefix: str) -> Generator[dict[str, str]]:
    """Run broker, Valkey, PostgreSQL and ClickHouse while the block lasts; yield the variables of our processes.

    Args:
        broker: `embedded`, `apache` (what `make kafka` installed) or the host:port of one that runs.
        prefix: Of the topics, so that a broker that runs already keeps its own apart.

    Raises:
        ConfigError: Apache Kafka was asked for and is not installed.
    """
    with contextlib.ExitStack() as undo:
        folder = Path(tempfile.mkdtemp(prefix="tapewatch-bench-"))
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL has a user of its own
        variables = undo.enter_context(_embedded(folder / "data"))
        if broker != "embedded":
            address = undo.enter_context(_apache(folder / "kafka")) if broker == "apache" else broker
            own = {"KAFKA_BROKERS": address, "KAFKA_IDEMPOTENCE": "true"}
            variables |= {PREFIX + name: value for name, value in own.items()}
        variables[PREFIX + "TOPIC_PREFIX"] = prefix
        _migrate(variables, folder / "migrate.log")
        yield variables


@contextlib.contextmanager
def process(variables: Mapping[str, str], output: Path, *words: str) -> Generator[subprocess.Popen[bytes]]:
    """Run `python -m …` with these variables while the block lasts; what it says goes to the end of a file."""
    with output.open("ab") as file:
        running = subprocess.Popen(
            _guarded(["-m", *words]), env={**environment.inherited(), **variables}, stdin=subprocess.DEVNULL,
            stdout=file, stderr=subprocess.STDOUT, cwd=environment.CHECKOUT,
        )  # fmt: skip
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(5)


def wait_for(what: str, is_so: Callable[[], bool], *, timeout_s: float = START_S) -> None:
    """Look again and again.

    Raises:
        AssertionError: it did not come about in time.
    """
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for {what}"
        time.sleep(_STEP_S)


def wait_for_flow(settings: Settings, flow: subprocess.Popen[bytes], log: Path, *, triggers: int) -> None:
    """Wait until the market flow says that it has the triggers.

    Raises:
        AssertionError: it ended, or took too long.
    """

    def is_armed() -> bool:
        assert flow.poll() is None, f"the flow ended: {log.read_text()[-3000:]}"
        beat = beat_of(settings)
        return beat is not None and beat.state in ("ok", "degraded") and beat.numbers.get("triggers", 0) >= triggers

    wait_for(f"{triggers} triggers", is_armed, timeout_s=FIRST_START_S)


def beat_of(settings: Settings, name: str = "market-0") -> Beat | None:
    with contextlib.closing(redis_store.client(settings)) as connection:
        return next((b for b in redis_store.heartbeats(connection) if b.process == name), None)


def settings_of(variables: Mapping[str, str]) -> Settings:
    return environment.settings_of(variables)


@contextlib.contextmanager
def _embedded(data_dir: Path) -> Generator[dict[str, str]]:
    directory = DataDir(data_dir)
    log = data_dir.with_name("services.log")
    with log.open("wb") as file:
        running = subprocess.Popen(
            _guarded(["-m", "deploy.embedded", "--data-dir", str(data_dir)]), stdin=subprocess.DEVNULL,
            stdout=file, stderr=subprocess.STDOUT, cwd=environment.CHECKOUT,
        )  # fmt: skip

    def is_up() -> bool:
        assert running.poll() is None, f"the services ended: {log.read_text()[-2000:]}"
        run = runfile.read(directory.run_file)
        return run is not None and run.ready

    try:
        wait_for("the services", is_up)
        yield dict(environment.of_running_stack(data_dir))
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def _migrate(variables: Mapping[str, str], log: Path) -> None:
    with process(variables, log, "cli.main", "migrate") as running:
        wait_for("the migrations", lambda: running.poll() is not None)
    assert running.returncode == 0, f"the migrations failed: {log.read_text()[-2000:]}"


@contextlib.contextmanager
def _apache(folder: Path) -> Generator[str]:
    folder.mkdir()
    broker = KafkaBroker(folder)
    broker.start()
    try:
        wait_for("Apache Kafka", broker.answers)
        yield broker.address
    finally:
        broker.stop()


def _guarded(words: Sequence[str]) -> list[str]:
    """Return a command that ends with us, however we end."""
    told = [guard.__file__, str(os.getpid()), str(int(signal.SIGTERM)), "-", "--"]
    return [sys.executable, "-I", "-S", *told, sys.executable, *words]
