"""Names of the Celery tasks, so that who sends one need not import who runs it."""

from __future__ import annotations

EXECUTE = "tapewatch.execute"
"""Arguments: (execution_id,). The task id is the execution id."""
QUEUE = "executions"
