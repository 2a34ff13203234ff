"""What `tapewatch replay` shows: how far it is, on a terminal, and at the end what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.replay_results import NAMES, Summary

_MOST_TRIGGERS = 20


class Meter(Protocol):
    def __call__(self, done: int, ts_ms: int | None) -> None:
        """Show how many trades are done and what time it is on the tape, None before its first mark."""
        ...


@contextmanager
def meter(total: int, *, is_quiet: bool) -> Generator[Meter]:
    """Show a line of progress on standard error while the block runs; none where nobody looks."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("replay"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} trades"),
        _Rate(),
        TextColumn("{task.fields[tape]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
        disable=is_quiet or not console.is_terminal,
        redirect_stdout=False,
    )
    with progress:
        task = progress.add_task("replay", total=total, tape="")

        def show(done: int, ts_ms: int | None) -> None:
            progress.update(task, completed=done, tape="" if ts_ms is None else f"at {_time(ts_ms)}")

        yield show


@contextmanager
def told(*, is_quiet: bool) -> Generator[Callable[[str], None]]:
    """Show sentences on standard error: each in place of the one before on a terminal, elsewhere only the first."""
    console = Console(stderr=True, quiet=is_quiet, highlight=False, soft_wrap=True)
    if console.is_terminal and not is_quiet:
        with console.status("") as status:
            yield status.update
        return
    is_first = True

    def tell(sentence: str) -> None:
        nonlocal is_first
        if is_first:
            console.print(sentence)
        is_first = False

    yield tell


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def report(summary: Summary, took_s: float, out: Path) -> str:
    """Return the end of a replay in lines; only here stands how fast it went."""
    read = summary.trades["read"]
    lines = [f"{read:,} trades of {len(summary.symbols):,} symbols{_span(summary)}"]
    if read:
        counts = ", ".join(
            f"{n:,} {name.replace('_', ' ')}" for name, n in summary.trades.items() if n and name != "read"
        )
        lines.append(f"  {counts}")
        lines.append(f"  played in {took_s:.2f} s, {read / max(took_s, 1e-9):,.0f} trades a second")
    else:
        lines.append("  there is nothing on this tape")
    candles = ", ".join(f"{n:,} of {timeframe}" for timeframe, n in summary.candles.items() if n)
    lines.append(f"candles     {candles or 'none'}")
    lines.append(f"firings     {summary.firings:,}")
    lines.append(f"suppressed  {summary.suppressed:,}{_reasons(summary.suppressed_by_reason)}")
    busiest = sorted(summary.triggers.items(), key=lambda item: (-item[1].firings, item[0]))
    width = max((len(name) for name, _ in busiest[:_MOST_TRIGGERS]), default=0)
    for name, counts_of in busiest[:_MOST_TRIGGERS]:
        withheld = _reasons(counts_of.suppressed)
        lines.append(f"  {name:<{width}}  {counts_of.firings:>7,} fired{', suppressed' if withheld else ''}{withheld}")
        if counts_of.firings:
            lines.append(
                f"  {'':<{width}}  {counts_of.firings_a_day:>7,.1f} a day; "
                f"their models may cost up to ${counts_of.model_cost_a_day_at_most_usd} a day, by the budget of each"
            )
    if len(busiest) > _MOST_TRIGGERS:
        lines.append(f"  and {len(busiest) - _MOST_TRIGGERS:,} triggers more, in summary.json")
    lines.append(f"written to {out}: {', '.join(NAMES)}")
    return "\n".join(lines)


def _span(summary: Summary) -> str:
    if summary.first_ms is None or summary.last_ms is None:
        return ""
    return f", {_time(summary.first_ms)} to {_time(summary.last_ms)}"


def _reasons(counts: dict[str, int]) -> str:
    found = ", ".join(f"{reason} {n:,}" for reason, n in Counter(counts).most_common())
    return f": {found}" if found else ""


def _time(ts_ms: int) -> str:
    try:
        return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{ts_ms} ms"
