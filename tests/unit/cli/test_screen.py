from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from cli.screen import Screen, coming_up
from deploy.embedded.options import Options
from deploy.embedded.part import PartView, Status


def view(name: str, status: Status, *, detail: str = "", state: str = "") -> PartView:
    return PartView(
        name=name, title=name.title(), status=status, pid=7, restarts=0, detail=detail, state=state,
        since_ms=0, log=f"/d/{name}.log", address="", memory_bytes=1_000_000,
    )  # fmt: skip


def screen() -> tuple[Screen, io.StringIO]:
    output = io.StringIO()
    return Screen(Options(Path("d")), Console(file=output, width=200)), output


def test_a_crash_loop_is_told_once_with_reason_and_log() -> None:
    shown, output = screen()
    for _ in range(3):
        shown.changed(view("api", Status.CRASH_LOOP, detail="exit code 1: no [bold] luck"))
    assert output.getvalue().count("exit code 1: no [bold] luck") == 1
    assert "/d/api.log" in output.getvalue()


def test_health_appears_away_from_a_terminal_only_when_it_changes() -> None:
    shown, output = screen()
    well = [view("ingest", Status.UP, state="ok", detail="66 symbols")]
    ill = [view("ingest", Status.UP, state="degraded", detail="the key was refused")]
    shown.ready(well)
    for parts in (well, well, ill, ill, well):
        shown.looked(parts)
    lines = output.getvalue().splitlines()
    assert [line.strip() for line in lines if "all well" in line] == ["all well", "all well"]
    assert sum("ingest: degraded, the key was refused" in line for line in lines) == 1


def test_while_the_stack_comes_up_it_says_what_a_process_is_busy_with() -> None:
    parts = [
        view("api", Status.STARTING),
        view("market-0", Status.UP, state="starting", detail="compiling: 3 of 9 parts"),
    ]
    assert coming_up(parts) == "  starting api; market-0 is compiling: 3 of 9 parts …"
