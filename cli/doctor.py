"""`tapewatch doctor`: what is configured, what can be reached, what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.folder import DEFAULT_DATA_DIR, DataDirOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.embedded.examination import Finding


def doctor(
    *,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody outside this machine.")] = False,
) -> None:
    """Examine this installation and say what to do about what is missing.

    Looks at the machine, the data folder, the settings, the four services (of the stack that runs in the data
    folder, or those that TAPEWATCH_* names), and asks the feed and the model provider whether they accept
    the keys. Nothing is changed. Exit code 1 where something that is needed is wrong.
    """
    from deploy.embedded.examination import Level, examine

    findings = examine(data_dir.resolve(), offline=offline)
    _print(findings)
    raise typer.Exit(1 if any(finding.level is Level.WRONG for finding in findings) else 0)


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from deploy.embedded.examination import Level

    signs = {Level.WELL: "[green]ok[/green]", Level.NOTE: "[yellow]--[/yellow]", Level.WRONG: "[red]!![/red]"}
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("")
    table.add_column("", no_wrap=True)
    table.add_column("", overflow="fold")
    for finding in findings:
        remedy = f"\n[dim]{escape(finding.remedy)}[/dim]" if finding.remedy else ""
        table.add_row(signs[finding.level], finding.about, escape(finding.text) + remedy)
    Console(highlight=False).print(table)
