"""States of a feed, in words."""

from __future__ import annotations

from core.feed_words import feed_words


def test_a_state_in_which_triggers_rest_says_so() -> None:
    assert feed_words("stale").endswith("its triggers rest")
    assert feed_words("disconnected", "waiting for a slot: the key allows 50 symbols") == (
        "waiting for a slot: the key allows 50 symbols: its triggers rest"
    )


def test_a_state_in_which_triggers_are_judged_does_not_alarm() -> None:
    assert feed_words("live") == "trades are coming in"
    assert "judged" in feed_words("quiet")
