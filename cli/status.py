"""`tapewatch status`: how every part of the running stack is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.folder import DEFAULT_DATA_DIR, DataDirOption

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from deploy.embedded.runfile import Run, RunningPart


def status(
    *,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json: one JSON object, for programs.")] = False,
) -> None:
    """Say how every part of the stack in the data folder is.

    Exit code 0: all well; 1: something is not, or nothing runs there.
    """
    from deploy.embedded import runfile
    from deploy.embedded.datadir import DataDir

    directory = DataDir(data_dir.resolve())
    run = runfile.read(directory.run_file)
    if run is None:
        died = " (what ran there died without a word: run.json is left behind)" if directory.run_file.exists() else ""
        sys.stderr.write(f"tapewatch: nothing runs in {str(directory.root)!r}{died}; start it with: tapewatch up\n")
        raise typer.Exit(1)
    if as_json:
        sys.stdout.write(directory.run_file.read_text() + "\n")
    else:
        _print(run)
        if run.url:
            _print_feed(directory.root)
    raise typer.Exit(0 if all(_is_well(part) for part in run.parts) else 1)


def _is_well(part: RunningPart) -> bool:
    return part.status in ("up", "done") and part.state in ("", "ok")


def _print(run: Run) -> None:
    from rich.console import Console

    from core.clock import SystemClock

    console = Console(highlight=False)
    age_s = (SystemClock().now_ms() - run.at_ms) / 1000
    console.print(f"[bold]{run.url or 'services only'}[/bold]  feed {run.feed} at {run.speed:g}x  data {run.data_dir}")
    console.print(_table(run))
    memory = sum(part.memory_bytes for part in run.parts)
    console.print(f"memory {memory / 1e6:.0f} MB, disk {run.disk_bytes / 1e6:.0f} MB")
    if age_s > 10:
        console.print(f"[yellow]the supervisor (process {run.pid}) last looked {age_s:.0f} s ago[/yellow]")


def _print_feed(data_dir: Path) -> None:
    """Print what ingest last said of its symbols; nothing where Redis is away, which stands above."""
    from rich.console import Console

    from cli.feed_table import print_feed
    from core.errors import Unavailable
    from core.store import feed_status
    from core.store.redis import client
    from deploy.embedded.environment import of_running_stack, settings_of

    variables = of_running_stack(data_dir)
    if not variables:
        return
    connection = client(settings_of(variables))
    try:
        said = feed_status.status(connection)
    except Unavailable:
        return
    finally:
        connection.close()
    print_feed(Console(highlight=False), said)


def _table(run: Run) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from core.clock import SystemClock

    table = Table(box=None, pad_edge=False)
    for column in ("process", "", "pid", "for", "restarts", "memory", "detail"):
        table.add_column(column, overflow="fold")
    now_ms = SystemClock().now_ms()
    for part in run.parts:
        word = part.state if part.status == "up" and part.state else part.status
        colour = "green" if _is_well(part) else "red" if part.status in ("restarting", "crash loop") else "yellow"
        table.add_row(
            part.name,
            f"[{colour}]{word}[/{colour}]",
            str(part.pid or ""),
            _duration(now_ms - part.since_ms) if part.since_ms else "",
            str(part.restarts or ""),
            f"{part.memory_bytes / 1e6:.0f} MB" if part.memory_bytes else "",
            escape(part.detail),
        )
    return table


def _duration(elapsed_ms: int) -> str:
    seconds = max(0, elapsed_ms // 1000)
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
