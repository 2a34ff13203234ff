"""One embedded stack in one data folder: claim it, start it, keep `run.json` true, stop it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from core import observability
from core.clock import SystemClock
from core.errors import ConfigError
from core.observability import logger
from core.settings import PREFIX, Settings, load
from deploy.embedded import plan, ports, postgres, runfile
from deploy.embedded.credentials import Credentials, credentials
from deploy.embedded.datadir import DataDir, claim, used_bytes, write_private
from deploy.embedded.environment import CHECKOUT, check_feed, inherited, settings_of, stack_variables, web_dir
from deploy.embedded.options import Options
from deploy.embedded.part import PartView
from deploy.embedded.supervisor import Observer, Plan, Supervisor

_log = logger(__name__)
_DISK_EVERY_S = 30.0
_PAGE_PORT = 8000


@dataclass(slots=True)
class Stack:
    """A claimed data folder with a stack in it that has not been started yet."""

    options: Options
    directory: DataDir
    settings: Settings
    secrets: Credentials
    ports: dict[str, int]
    supervisor: Supervisor
    release: Callable[[], None]

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.ports['api']}"

    def run(self) -> None:
        """Run until `supervisor.request_stop`; afterwards nothing runs and the folder is free.

        Raises:
            StackFailed: a part could not be started.
        """
        try:
            self.supervisor.run()
        finally:
            self.directory.run_file.unlink(missing_ok=True)
            self.directory.environment_file.unlink(missing_ok=True)
            self.release()


def open_stack(options: Options, observer: Observer) -> Stack:
    """Claim the data folder and lay out the stack; nothing is started.

    Raises:
        ConfigError: the folder is in use, full or read-only, a port is taken, a part or the page is missing.
    """
    directory = DataDir(options.data_dir.resolve())
    _check(options, directory)
    lock = claim(directory)
    try:
        return _lay_out(options, directory, observer, lock.release)
    except BaseException:
        lock.release()
        raise


def _check(options: Options, directory: DataDir) -> None:
    """Refuse what cannot work before anything is written."""
    load()  # names every wrong variable of the user's
    if not options.only:
        check_feed(options)
        if options.web and not (web_dir() / "index.html").is_file():
            raise ConfigError(
                f"the page is not built ({str(web_dir())!r} is missing); run: make setup, or add --no-web"
            )
        if options.port:
            ports.check_free(options.port, "api")
    postgres.check_runnable(directory.part("postgres"))


def _lay_out(options: Options, directory: DataDir, observer: Observer, release: Callable[[], None]) -> Stack:
    names = [n for n in (plan.INFRA_PORTS if options.only else plan.PORTS) if n != "broker" or not options.kafka]
    fixed = {"api": options.port} if options.port and not options.only else {}
    chosen = ports.choose(names, directory.ports_file, fixed=fixed, preferred={"api": _PAGE_PORT})
    chosen = {name: chosen.get(name, 0) for name in plan.PORTS}
    secrets = credentials(directory)
    variables = stack_variables(options, directory, ports=chosen, secrets=secrets)
    environment = {**inherited(), **variables}
    settings = settings_of(environment)
    _log_to_file(settings, directory)
    write_private(
        directory.environment_file,
        msgspec.json.encode({n: v for n, v in environment.items() if n.startswith(PREFIX)}).decode(),
    )
    services = plan.infra(options, directory, ports=chosen, settings=settings, password=secrets.postgres_password)
    stages: tuple[tuple[plan.ProcessSpec, ...], ...] = (services,)
    if not options.only:
        processes = plan.ours(
            directory, ports=chosen, threads=settings.worker_threads, metrics_port=settings.metrics_port
        )
        player = plan.player(options, directory, ports=chosen)
        stages = ((*services, *player), (plan.migration(),), processes)
    beating = tuple(spec.name for stage in stages for spec in stage if spec.beats)
    run_file = _RunFile(options, directory, chosen)
    supervisor = Supervisor(
        Plan(
            stages=stages,
            environment=environment,
            cwd=CHECKOUT,
            beats=plan.beats_of(settings, beating),
        ),
        directory,
        _Observers((run_file, _Logged(), observer)),
    )
    return Stack(options, directory, settings, secrets, chosen, supervisor, release)


def _log_to_file(settings: Settings, directory: DataDir) -> None:
    """The supervisor's own log goes to a file like any other; the terminal is the user's."""
    observability.start("supervisor", settings)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(directory.log_of("supervisor").open("a", buffering=1))


@dataclass(slots=True)
class _RunFile:
    """Keeps `run.json` true."""

    options: Options
    directory: DataDir
    ports: dict[str, int]
    is_ready: bool = False
    disk_bytes: int = 0
    measured_at_s: float = -_DISK_EVERY_S
    started_at_ms: int = field(default_factory=lambda: SystemClock().now_ms())

    def changed(self, part: PartView) -> None: ...

    def happened(self, text: str) -> None: ...

    def ready(self, parts: Sequence[PartView]) -> None:
        self.is_ready = True
        self.looked(parts)

    def looked(self, parts: Sequence[PartView]) -> None:
        if time.monotonic() - self.measured_at_s > _DISK_EVERY_S:
            self.measured_at_s = time.monotonic()
            self.disk_bytes = used_bytes(self.directory.root)
        runfile.write(
            self.directory.run_file,
            runfile.Run(
                pid=os.getpid(),
                at_ms=SystemClock().now_ms(),
                started_at_ms=self.started_at_ms,
                data_dir=str(self.directory.root),
                url=f"http://{ports.HOST}:{self.ports['api']}" if self.ports["api"] else "",
                feed=self.options.feed,
                speed=self.options.speed,
                ready=self.is_ready,
                disk_bytes=self.disk_bytes,
                ports={name: port for name, port in self.ports.items() if port},
                parts=runfile.running_parts(parts),
            ),
        )


@dataclass(frozen=True, slots=True)
class _Logged:
    """Writes what happens to the supervisor's log."""

    def changed(self, part: PartView) -> None:
        _log.info("process", part=part.name, status=str(part.status), pid=part.pid, detail=part.detail)

    def happened(self, text: str) -> None:
        _log.warning(text)

    def ready(self, parts: Sequence[PartView]) -> None:
        _log.info("the stack is up", processes=len(parts))

    def looked(self, parts: Sequence[PartView]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Observers:
    all: tuple[Observer, ...]

    def changed(self, part: PartView) -> None:
        for one in self.all:
            one.changed(part)

    def happened(self, text: str) -> None:
        for one in self.all:
            one.happened(text)

    def ready(self, parts: Sequence[PartView]) -> None:
        for one in self.all:
            one.ready(parts)

    def looked(self, parts: Sequence[PartView]) -> None:
        for one in self.all:
            one.looked(parts)
