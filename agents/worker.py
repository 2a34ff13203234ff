"""The Celery app: `celery -A agents.worker worker -P threads -c 8 --without-gossip --without-mingle`, and beat.

The worker takes executions; beat is the process of the upkeep (`upkeep.py`). Nothing happens on import: settings
are read when Celery first asks for its configuration, CrewAI is loaded when the worker starts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from celery import Celery, signals

from agents.celery_settings import CelerySettings
from core import settings, tasks
from core.errors import ConfigError

if TYPE_CHECKING:
    from agents.worker_process import WorkerProcess


_T = TypeVar("_T")


class TapewatchCelery(Celery):
    def on_configure(self) -> None:
        """Read the settings at the first use of the configuration; a wrong one ends the process."""
        self.config_from_object(_or_end(lambda: CelerySettings(settings.load())))


def _or_end(make: Callable[[], _T]) -> _T:
    """Return what is made; a wrong configuration ends the process with one clear line and code 2."""
    try:
        return make()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


app = TapewatchCelery("tapewatch")
_process: list[WorkerProcess] = []
"""The one of this process, while it is a worker."""


def execute(execution_id: str) -> None:
    """Run an execution, or what is left of it."""
    _process[0].execute(UUID(execution_id))


# Not as a decorator: Celery's is untyped and would hide the signature.
app.task(name=tasks.EXECUTE)(execute)


@signals.setup_logging.connect
def _own_log(**_: object) -> None:
    """Take logging away from Celery: connecting here is what keeps it from setting up its own."""


@signals.worker_init.connect
def _start(**_: object) -> None:
    from agents.worker_process import WorkerProcess

    _process.append(_or_end(WorkerProcess.start))


@signals.worker_ready.connect
def _ready(**_: object) -> None:
    _process[0].ready()


@signals.worker_shutting_down.connect
def _shutting_down(**_: object) -> None:
    _process[0].stop()


@signals.beat_init.connect
def _start_upkeep(**_: object) -> None:
    from agents.upkeep import Upkeep

    _or_end(lambda: Upkeep.start(settings.load()))
