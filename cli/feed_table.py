"""The feed in a terminal: each watched symbol's state, since when, and what it means for its triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from core.store.feed_status import FeedStatus


def print_feed(console: Console, status: FeedStatus | None) -> None:
    """Print the feed's state and a line a symbol, those that need a look first; None: ingest says nothing."""
    from rich.markup import escape
    from rich.table import Table

    from core.clock import to_datetime
    from core.feed_words import feed_words, halts_words

    if status is None:
        console.print("[yellow]feed: ingest has said nothing for 10 s[/yellow]")
        return
    waiting = {one.symbol for one in status.waiting}
    table = Table(box=None, pad_edge=False)
    for column in ("symbol", "feed", "since (feed time)", "meaning"):
        table.add_column(column, overflow="fold")
    for symbol, one in sorted(status.symbols.items(), key=lambda item: (item[1].health in _CALM, item[0])):
        word = "waiting for slot" if symbol in waiting else one.health
        since = f"{to_datetime(one.since_ms):%Y-%m-%d %H:%M:%S}Z"
        table.add_row(escape(symbol), word, since, escape(feed_words(one.health, one.detail)))
    console.print(table if status.symbols else "no symbol is watched")
    console.print(f"[dim]{halts_words(status.halts_not_seen)}[/dim]")


_CALM = ("live", "quiet", "closed")
