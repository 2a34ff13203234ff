"""What `tapewatch up` shows: a line for each process as it comes up, then one line of health.

On a terminal the last line is rewritten in place; elsewhere (a log, a CI job) lines are plain and appear only
when something changes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from deploy.embedded.options import Options
from deploy.embedded.part import PartView, Status

if TYPE_CHECKING:
    from deploy.embedded.stack import Stack

_MEGA = 1e6


class Screen:
    """An observer of the supervisor. Also told of the stack once it is laid out, and of its end."""

    def __init__(self, options: Options, console: Console | None = None) -> None:
        self._options = options
        self._console = console or Console(highlight=False)
        self._began_s = time.monotonic()
        self._live: Live | None = None
        self._stack: Stack | None = None
        self._ready = False
        self._seen: dict[str, Status] = {}
        self._last_health = ""
        self._told: dict[str, tuple[Status, str]] = {}

    def opened(self, stack: Stack) -> None:
        """Say what is about to start, and where."""
        self._stack = stack
        feed = self._options.feed + (f" at {self._options.speed:g}x" if self._options.feed != "finnhub" else "")
        self._print(f"[bold]tapewatch[/bold]  data in {escape(str(stack.directory.root))}, feed {escape(feed)}")
        if self._console.is_terminal:
            self._live = Live(Text(""), console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def closed(self) -> None:
        """Let go of the terminal's last line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def stopping(self) -> None:
        self.closed()
        self._print("stopping …")

    def stopped(self) -> None:
        self._print("stopped; the data stay, `tapewatch up` continues with them")

    # ---- told by the supervisor --------------------------------------------------------------------------------

    def changed(self, part: PartView) -> None:
        before, now = self._seen.get(part.name), part.status
        self._seen[part.name] = now
        if now in (Status.UP, Status.DONE):
            self._told.pop(part.name, None)
            took = "" if self._ready else f"{time.monotonic() - self._began_s:5.1f} s"
            again = " is back" if self._ready and before not in (Status.SILENT, None) else ""
            pid = f"pid {part.pid}" if part.pid else "done"
            self._print(
                f"  [green]+[/green] {part.name:<11} {pid:<11} {escape(part.title):<22} "
                f"{escape(part.address):<28} {took}{again}".rstrip()
            )
        elif now in (Status.RESTARTING, Status.CRASH_LOOP):
            if self._told.get(part.name) == (now, part.detail):
                return  # the line of health goes on showing it
            self._told[part.name] = (now, part.detail)
            again = "it is started again" if now is Status.RESTARTING else "it keeps dying; tried again in 15 s"
            self._print(f"  [red]![/red] {part.name:<11} {escape(part.detail)}; {again}; log: {escape(part.log)}")
        elif now is Status.SILENT:
            self._print(f"  [yellow]![/yellow] {part.name:<11} {escape(part.detail)}")

    def happened(self, text: str) -> None:
        self._print(f"  [yellow]i[/yellow] {escape(text)}")

    def ready(self, parts: Sequence[PartView]) -> None:
        self._ready = True
        took_s = time.monotonic() - self._began_s
        well = sum(part.is_well for part in parts)
        self._print(f"up in {took_s:.1f} s, {well} of {len(parts)} well")
        if self._stack is not None and self._stack.url:
            page = "open" if self._options.web else "the API is at"
            self._print(f"\n  {page}  [bold]{self._stack.url}[/bold]")
            self._print(f"  login demo@tapewatch.local  password [bold]{self._stack.secrets.demo_password}[/bold]")
            self._print("  stop  Ctrl-C\n")

    def looked(self, parts: Sequence[PartView]) -> None:
        line = self._health(parts) if self._ready else coming_up(parts)
        if self._live is not None:
            text = Text.from_markup(line, overflow="ellipsis")
            text.no_wrap = True
            self._live.update(text, refresh=True)
        elif self._ready:
            trouble = line if _unwell(parts) else "all well"
            if trouble != self._last_health:
                self._last_health = trouble
                self._print(f"  {trouble}")

    # ---- lines ---------------------------------------------------------------------------------------------------

    def _health(self, parts: Sequence[PartView]) -> str:
        unwell = _unwell(parts)
        if unwell:
            shown = "; ".join(f"{part.name}: {_trouble(part)}" for part in unwell[:3])
            more = f" and {len(unwell) - 3} more" if len(unwell) > 3 else ""
            return f"  [yellow]*[/yellow] {escape(shown)}{more}"
        memory = sum(part.memory_bytes for part in parts) / _MEGA
        feed = next((part.detail for part in parts if part.name == "ingest"), "")
        return f"  [green]*[/green] {len(parts)} processes well, {memory:.0f} MB" + (
            f", {escape(feed)}" if feed else ""
        )

    def _print(self, markup: str) -> None:
        self._console.print(markup, soft_wrap=True)


def coming_up(parts: Sequence[PartView]) -> str:
    """Return the line shown while the stack starts: what is waited for, and what has begun and is still busy."""
    waiting = [part.name for part in parts if part.status in (Status.STARTING, Status.PENDING)]
    busy = [f"{part.name} is {part.detail}" for part in parts if part.state == "starting" and part.detail]
    return f"  starting {escape('; '.join([', '.join(waiting), *busy]))} …"


def _unwell(parts: Sequence[PartView]) -> list[PartView]:
    return [part for part in parts if not part.is_well]


def _trouble(part: PartView) -> str:
    said = part.state if part.status is Status.UP else str(part.status)
    return f"{said}, {part.detail}" if part.detail else said
