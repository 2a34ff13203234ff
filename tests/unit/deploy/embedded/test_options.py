from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from core.errors import ConfigError
from deploy.embedded.options import parse_feed, parse_rebase, symbols_of


def test_feeds_are_read(tmp_path: Path) -> None:
    file = tmp_path / "day.parquet"
    file.touch()
    assert parse_feed("simulator") == ("simulator", None)
    assert parse_feed("finnhub") == ("finnhub", None)
    assert parse_feed(f"recorded:{file}") == ("recorded", file)


@pytest.mark.parametrize("text", ["", "Simulator", "recorded", "recorded:/nowhere.parquet"])
def test_what_is_no_feed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--feed"):
        parse_feed(text)


def test_a_recording_is_moved_to_now_or_played_as_it_was() -> None:
    assert (parse_rebase("now"), parse_rebase("none")) == ("now", "none")
    with pytest.raises(ConfigError, match="--rebase: found 'then'"):
        parse_rebase("then")


def test_the_symbols_of_a_recording_are_those_it_has_trades_of(tmp_path: Path) -> None:
    file = tmp_path / "day.parquet"
    pl.DataFrame({"symbol": ["B", "A", "B"]}).write_parquet(file)
    assert symbols_of(file) == ("A", "B")
    file.write_text("none")
    with pytest.raises(ConfigError, match="no Parquet file of trades"):
        symbols_of(file)
