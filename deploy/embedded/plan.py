"""Which processes make up the stack, in which order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import redis

from core.errors import Unavailable
from core.heartbeat import Beat, key_of
from core.settings import PREFIX, Settings
from deploy.embedded import broker, postgres, valkey
from deploy.embedded.clickhouse import part as clickhouse
from deploy.embedded.datadir import DataDir
from deploy.embedded.environment import PLAYER_SYMBOLS, SIMULATOR_KEY
from deploy.embedded.options import Options, symbols_of
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec
from deploy.embedded.readiness import http_answers

INFRA_PORTS = ("broker", "postgres", "valkey", "clickhouse")
PORTS = (*INFRA_PORTS, "simulator", "api")
_STOP_S = 8.0


def infra(
    options: Options, directory: DataDir, *, ports: Mapping[str, int], settings: Settings, password: str
) -> tuple[ProcessSpec, ...]:
    """Return the services, which start side by side: all four, or without a broker where somebody else runs one.

    Raises:
        ConfigError: one of them cannot run here; the text says why.
    """
    brokers = () if options.kafka else (broker.broker(ports["broker"], settings),)
    return (
        *brokers,
        postgres.postgres(postgres.Postgres(ports["postgres"], directory.part("postgres"), password)),
        valkey.valkey(ports["valkey"], directory.part("valkey")),
        clickhouse.clickhouse(ports["clickhouse"], directory.part("clickhouse")),
    )


def migration() -> ProcessSpec:
    return ProcessSpec(
        name="migrate",
        title="Migrations",
        command=lambda: [sys.executable, "-m", "cli.main", "migrate"],
        once=True,
    )


def player(options: Options, directory: DataDir, *, ports: Mapping[str, int]) -> tuple[ProcessSpec, ...]:
    """Return the local feed, if one is asked for; it needs nobody and starts beside the services."""
    return () if options.feed == "finnhub" else (_player(options, directory, ports["simulator"]),)


def ours(
    directory: DataDir, *, ports: Mapping[str, int], threads: int, metrics_port: int = 0
) -> tuple[ProcessSpec, ...]:
    """Return our own processes in the order in which they are started and shown.

    Args:
        metrics_port: Of the first of them, the next one's is one above; 0 for none.
    """
    made = _ours(directory, ports=ports, threads=threads)
    if not metrics_port:
        return made
    name = f"{PREFIX}METRICS_PORT"
    return tuple(replace(spec, environment={name: str(metrics_port + n)}) for n, spec in enumerate(made))


def _ours(directory: DataDir, *, ports: Mapping[str, int], threads: int) -> tuple[ProcessSpec, ...]:
    celery = ("celery", "-A", "agents.worker")
    return (
        _module("api", "API and page", "api", ready=_api(ports["api"]), address=f"http://{HOST}:{ports['api']}"),
        _module("market-0", "Market flow", "dataflows.market", "--shard", "0", "--of", "1"),
        _module("costs", "Cost flow", "dataflows.costs"),
        _module("dispatcher", "Dispatcher", "agents.dispatch"),
        _module(
            "worker", "Agent worker", *celery, "worker", "-P", "threads", "-c", str(threads),
            "--without-gossip", "--without-mingle", "--loglevel", "INFO",
        ),
        _module("beat", "Upkeep", *celery, "beat", "--schedule", str(directory.part("beat-schedule")), "--pidfile="),
        _module("ingest", "Feed", "ingest"),
    )  # fmt: skip


def _module(
    name: str,
    title: str,
    *words: str,
    ready: Callable[[], None] | None = None,
    address: str = "",
) -> ProcessSpec:
    command = [sys.executable, "-m", *words]
    return ProcessSpec(
        name=name,
        title=title,
        command=lambda: command,
        ready=ready or _running,
        beats=True,
        stop_s=_STOP_S,
        address=address,
    )


def _running() -> None:
    """A process without a port answers by its heartbeat."""


def _api(port: int) -> Callable[[], None]:
    return lambda: http_answers(f"http://{HOST}:{port}/api/v1/ready")


def _player(options: Options, directory: DataDir, port: int) -> ProcessSpec:
    source = f"recorded:{options.recording}" if options.recording else "synthetic"
    state, more = f"simulator-{options.feed}.json", list[str]()
    if options.recording and options.rebase == "none":
        # Its own times are another clock, and none of it is played before everybody listens.
        listeners = min(PLAYER_SYMBOLS, len(symbols_of(options.recording)))
        state, more = "simulator-recorded-then.json", ["--rebase", "none", "--hold", str(listeners)]
    command = [
        sys.executable, "-m", "ingest.simulator",
        "--port", str(port),
        "--speed", str(options.speed),
        "--source", source,
        "--token", SIMULATOR_KEY,
        "--state", str(directory.part(state)),
        *more,
    ]  # fmt: skip
    return ProcessSpec(
        name="simulator",
        title="Simulator" if options.feed == "simulator" else "Player",
        command=lambda: command,
        ready=lambda: http_answers(f"http://{HOST}:{port}/api/v1/simulator/clock", ok=range(200, 500)),
        address=f"http://{HOST}:{port}",
    )


def beats_of(settings: Settings, names: tuple[str, ...]) -> Callable[[], Mapping[str, Beat]]:
    """Return a function that reads the latest heartbeats of processes; it raises Unavailable."""
    client = redis.Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=1, socket_connect_timeout=1)
    decoder = msgspec.json.Decoder(Beat)

    def read() -> Mapping[str, Beat]:
        try:
            found: list[bytes | None] = client.mget([key_of(name) for name in names])  # pyright: ignore
        except (redis.RedisError, OSError) as error:
            raise Unavailable(f"Redis: {error}") from None
        beats = [decoder.decode(one) for one in found if one is not None]
        return {beat.process: beat for beat in beats}

    return read
