"""Sends executions to the workers. The task's id is the execution's: a repeat is the same task."""

from __future__ import annotations

from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError

from agents.celery_settings import CelerySettings
from core import tasks
from core.observability import logger
from core.settings import Settings

_log = logger(__name__)


class TaskQueue:
    """Threads may share it."""

    def __init__(self, settings: Settings, app: Celery | None = None) -> None:
        self._app = app or Celery("tapewatch")
        if app is None:
            self._app.config_from_object(CelerySettings(settings))
        self._is_away = False

    def send(self, execution_id: UUID) -> bool:
        """Queue an execution; False where Redis is away. The sweep then sends it later, so nothing is lost."""
        try:
            self._app.send_task(
                tasks.EXECUTE, args=(str(execution_id),), task_id=str(execution_id), queue=tasks.QUEUE, retry=False
            )
        except (OperationalError, OSError) as error:
            if not self._is_away:
                _log.warning("the task queue is away; executions wait in Postgres", reason=type(error).__name__)
            self._is_away = True
            return False
        self._is_away = False
        return True
