"""`tapewatch status`: the symbols of the feed."""

from __future__ import annotations

import io

from rich.console import Console

from cli.feed_table import print_feed
from core.store.feed_status import FeedStatus, SlotWait, SymbolFeed


def printed(status: FeedStatus | None) -> str:
    text = io.StringIO()
    print_feed(Console(file=text, width=160), status)
    return text.getvalue()


def test_a_symbol_that_needs_a_look_stands_first_with_since_and_reason() -> None:
    status = FeedStatus(
        feed="finnhub", at_ms=1_000, recv_ms=1_000, health="live",
        symbols={
            "AAPL": SymbolFeed(health="live", since_ms=0),
            "TSLA": SymbolFeed(health="disconnected", since_ms=0, detail="waiting for a slot"),
        },
        waiting=[SlotWait(symbol="TSLA", reason="limit", since_ms=0)],
    )  # fmt: skip
    lines = printed(status).splitlines()
    assert lines[1].split(maxsplit=1)[0] == "TSLA"
    assert "waiting for slot" in lines[1]
    assert "1970-01-01 00:00:00Z" in lines[1]
    assert "trades are coming in" in lines[2]
    assert lines[3].startswith("Halts are not seen")


def test_a_silent_ingest_and_an_empty_watch_list_say_so() -> None:
    assert "ingest has said nothing" in printed(None)
    assert "no symbol is watched" in printed(FeedStatus(feed="f", at_ms=0, recv_ms=0, health="live"))
