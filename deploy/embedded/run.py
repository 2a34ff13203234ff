"""Run a stack from a terminal: signals, the screen, and an end that leaves nothing."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Protocol

from deploy.embedded.options import Options
from deploy.embedded.stack import Stack, open_stack
from deploy.embedded.supervisor import Observer


class Terminal(Observer, Protocol):
    def opened(self, stack: Stack) -> None: ...
    def stopping(self) -> None: ...
    def stopped(self) -> None: ...
    def closed(self) -> None: ...


def run_in_terminal(options: Options, terminal: Terminal) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP. A second SIGINT kills instead of waiting.

    Raises:
        ConfigError, StackFailed: it cannot run; nothing is left running.
    """
    stack = open_stack(options, terminal)
    asked = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            terminal.stopping()
        asked = True
        stack.supervisor.request_stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    terminal.opened(stack)
    try:
        stack.run()
    finally:
        terminal.closed()
    terminal.stopped()
