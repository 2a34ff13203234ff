from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigError
from deploy.embedded.options import parse_feed


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
