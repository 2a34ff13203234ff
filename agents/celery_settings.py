"""How Celery is set up, from our own settings: at least once, nothing kept, nobody else's log."""

from __future__ import annotations

from core import tasks
from core.settings import Settings

_LONGEST_EXECUTION_S = 6 * 3600
"""Above this a task would be delivered again while it still runs; a lost worker's comes by the sweep, sooner."""


class CelerySettings:
    """Attributes are Celery's names."""

    def __init__(self, settings: Settings) -> None:
        self.broker_url = settings.celery_broker_url.get_secret_value()
        self.broker_connection_retry_on_startup = True
        self.broker_connection_max_retries = None
        self.broker_transport_options = {
            "visibility_timeout": _LONGEST_EXECUTION_S,
            "socket_connect_timeout": 2,
            "socket_timeout": 10,
            "retry_on_timeout": True,
        }
        self.task_default_queue = tasks.QUEUE
        self.task_serializer = "json"
        self.accept_content = ["json"]
        self.task_ignore_result = True
        self.task_acks_late = True
        self.task_reject_on_worker_lost = True
        self.worker_prefetch_multiplier = 1
        # A lost connection to Redis must not cancel executions: their lease is in Postgres.
        self.worker_cancel_long_running_tasks_on_connection_loss = False
        self.worker_hijack_root_logger = False
        self.worker_redirect_stdouts = False
        self.worker_send_task_events = False
        self.worker_enable_remote_control = False
        self.beat_scheduler = "celery.beat:Scheduler"
        self.beat_schedule: dict[str, object] = {}
        self.enable_utc = True
