"""A thread whose mistake ends the process: a server that lost its relay must not look alive."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from core.observability import logger

_log = logger(__name__)


def make_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Return a daemon thread. An error that nobody foresaw is logged and stops the process, to be started anew."""

    def run() -> None:
        try:
            target()
        except Exception:  # noqa: BLE001 - the outermost loop of the thread
            _log.exception("thread failed, the process ends", thread=name)
            signal.raise_signal(signal.SIGTERM)

    return threading.Thread(target=run, name=name, daemon=True)
