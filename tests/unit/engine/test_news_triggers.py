"""News triggers: rules T34, T9, T10, T26, T27, T30, T31."""

from __future__ import annotations

from typing import Any

import pytest

from engine.condition import TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.firing import Firing, firing_id
from engine.news_item import NewsItem
from tests.unit.engine.tape import SYMBOL, Player, at, player, trigger

HEADLINE = "Acme cuts guidance"


def news(**config: Any) -> TriggerSpec:
    symbols = config.pop("symbols", (SYMBOL,))
    return trigger(config, agent_type="news_trigger", symbols=symbols, version=config.pop("version", 1))


def live(*specs: TriggerSpec, armed: str = "09:00:00") -> Player:
    """An engine whose triggers were set at a mark."""
    p = player(is_offline=False)
    p.mark(armed)
    for spec in specs:
        p.set(spec)
    return p


def item(published: str = "10:00:00", received: str = "10:02:00", **others: Any) -> NewsItem:
    found: dict[str, Any] = {"news_id": "n-1", "symbols": (SYMBOL,), "headline": HEADLINE, **others}
    return NewsItem(published_ms=at(published), recv_ms=at(received), **found)


def take(p: Player, *items: NewsItem) -> Player:
    for one in items:
        output = p.engine.on_news(one)
        p.firings += output.firings
        p.suppressions += output.suppressions
    return p


def fires(config: dict[str, Any], **of_item: Any) -> bool:
    return bool(take(live(news(**config)), item(**of_item)).firings)


def test_T34_an_item_published_at_ten_and_seen_two_minutes_later_fires() -> None:
    p = live(news(match={"any": ["guidance", "merger"], "none": ["webinar"]}))
    p.trade("09:59:30", 42)
    firing = take(p, item()).firings[0]
    assert (firing.ts_ms, firing.decided_ms, firing.kind, firing.price) == (at("10:00:00"), at("10:02:00"), "news", 42)
    assert firing.firing_id == firing_id("p/node-1", 1, SYMBOL, at("10:00:00"), "n-1")
    assert firing.evidence.decided_recv_ms == at("10:02:00")
    assert firing.evidence.news == item()
    assert [(leaf.path, leaf.result) for leaf in firing.evidence.leaves] == [
        ("match.any", True),
        ("match.none", True),
        ("max_age_minutes", True),
    ]


def test_T34_no_match_takes_every_item_of_its_symbol_and_none_of_others() -> None:
    assert fires({})
    assert not fires({}, symbols=("MSFT",))


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("guidance", "GUIDANCE raised"),
        ("straße", "STRASSE closed"),
        ("s&p", "Joins the S&P 500"),
        ("acme", "Acme's new plant"),
        ("interest rate", "The interest  rate: up"),
        ("sell off", "A sell-off begins"),
    ],
)
def test_T34_keywords_are_whole_words_whatever_their_case(keyword: str, text: str) -> None:
    assert fires({"match": {"any": [keyword]}}, headline=text)
    assert fires({"match": {"any": [keyword]}}, headline="-", summary=text)
    assert not fires({"match": {"none": [keyword]}}, headline=text)


@pytest.mark.parametrize(("keyword", "text"), [("cut", "cuts"), ("rate interest", "interest rate"), ("a b", "a")])
def test_T34_parts_of_words_and_other_orders_are_no_match(keyword: str, text: str) -> None:
    assert not fires({"match": {"any": [keyword]}}, headline=text, summary="b")


def test_T34_all_any_and_none_hold_together() -> None:
    match = {"all": ["acme", "guidance"], "any": ["cuts", "raises"], "none": ["webinar"]}
    assert fires({"match": match})
    assert not fires({"match": match}, headline="Acme guidance")
    assert not fires({"match": match}, headline="Acme cuts costs")
    assert not fires({"match": match}, summary="Join our webinar")


def test_T34_sources_are_compared_without_case_and_spaces() -> None:
    assert fires({"sources": ["Reuters", "AP"]}, source=" REUTERS ")
    assert not fires({"sources": ["Reuters"]}, source="Blog")


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("Acme beats estimates, shares surge", "positive"),
        ("Acme cuts guidance after weak sales", "negative"),
        ("Acme holds annual meeting", "neutral"),
        ("Acme sees no growth", "negative"),
        ("Gains and losses", "neutral"),
    ],
)
def test_T34_sentiment_is_the_sign_of_the_words_counted(text: str, sentiment: str) -> None:
    for asked in ("positive", "negative", "neutral"):
        assert fires({"sentiment": asked}, headline=text) == (asked == sentiment)


def test_T34_a_sentiment_score_asks_for_more_words_of_one_side() -> None:
    two = {"sentiment": "negative", "sentiment_score": 2}
    assert fires(two, headline="Weak sales, warning")
    assert not fires(two, headline="Weak sales")


def test_T34_one_firing_for_each_symbol_and_item() -> None:
    p = live(news(symbols=("AAPL", "MSFT")))
    take(p, item(symbols=("MSFT", "AAPL", "AAPL")))
    assert [f.symbol for f in p.firings] == ["AAPL", "MSFT"]
    take(p, item(symbols=("AAPL", "MSFT"), received="10:03:00"))
    assert len(p.firings) == 2
    assert p.engine.news_counters() == {"taken": 4, "copies": 2, "ahead": 0}


def test_T34_the_same_item_listed_under_one_more_symbol_fires_for_that_one() -> None:
    p = live(news(symbols=("AAPL", "MSFT")))
    take(p, item(symbols=("AAPL",)), item(symbols=("AAPL", "MSFT"), received="10:03:00"))
    assert [f.symbol for f in p.firings] == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    "copy",
    [
        {"news_id": "n-1", "headline": "Other", "url": "https://c.example/3"},
        {"headline": "Other", "url": "http://WWW.Example.com:80/a/?utm_source=x&id=7#top"},
        {"headline": "ACME — cuts guidance!", "url": "https://b.example/2"},
    ],
)
def test_T34_a_second_sources_copy_is_a_duplicate(copy: dict[str, Any]) -> None:
    p = live(news())
    take(p, item(url="https://example.com/a?id=7"), item(**{"news_id": "n-2", "received": "10:03:00", **copy}))
    assert len(p.firings) == 1
    assert p.suppressions == []


def test_T34_the_same_headline_a_day_later_is_news_again() -> None:
    p = live(news(max_age_minutes=3000))
    day = 24 * 3_600_000
    later = NewsItem("n-2", (SYMBOL,), at("10:00:00") + day, at("10:02:01") + day, HEADLINE)
    take(p, item(), later)
    assert len(p.firings) == 2


def test_T34_older_than_the_age_limit_is_old_news() -> None:
    p = take(live(news(max_age_minutes=30)), item(received="10:30:00.001"))
    assert p.firings == []
    assert p.reasons() == [("10:00:00", "old_news")]
    assert take(live(news(max_age_minutes=30)), item(received="10:30:00")).firings != []


def test_T34_only_items_published_after_arming_fire() -> None:
    assert take(live(news(), armed="10:00:00"), item()).reasons() == [("10:00:00", "old_news")]
    assert take(live(news(), armed="09:59:59.999"), item()).firings != []
    never_told_the_time = player(is_offline=False)
    assert take(never_told_the_time.set(news()), item()).reasons() == [("10:00:00", "old_news")]


def test_T34_an_item_dated_ahead_of_its_receipt_is_not_believed() -> None:
    p = take(live(news()), item(published="10:05:00"))
    assert (p.firings, p.suppressions) == ([], [])
    assert p.engine.news_counters()["ahead"] == 1


def test_T9_cooldown_and_cap_hold_for_news() -> None:
    p = live(news(cooldown_seconds=60, max_firings_per_session=2))
    for n, received in enumerate(("10:02:00", "10:02:59.999", "10:03:00", "10:05:00")):
        take(p, item(received=received, news_id=str(n), headline=f"Story {n}"))
    assert [f.evidence.news.news_id for f in p.firings if f.evidence.news] == ["0", "2"]
    assert [s.reason for s in p.suppressions] == ["cooldown", "cap"]


def test_T10_news_outside_the_life_of_its_trigger() -> None:
    p = live(news(valid_from="2025-03-10T09:59:00Z", valid_until="2025-03-10T10:02:00Z"))
    take(p, item(published="09:58:00", received="09:58:30", news_id="0", headline="0"))
    take(p, item(published="09:58:40", received="09:59:30", news_id="1", headline="1"))
    take(p, item(received="10:01:59", news_id="2", headline="2"), item(news_id="3", headline="3"))
    assert [f.decided_ms for f in p.firings] == [at("10:01:59")]
    assert [s.reason for s in p.suppressions] == ["old_news", "expired"]


def test_T31_a_paused_trigger_does_not_catch_up() -> None:
    p = live(news())
    p.change("pause")
    take(p, item())
    p.mark("10:05:00")
    p.change("resume")
    take(p, item(published="10:04:00", received="10:06:00", news_id="2", headline="2"))
    take(p, item(published="10:05:30", received="10:06:00", news_id="3", headline="3"))
    assert [f.evidence.news.news_id for f in p.firings if f.evidence.news] == ["3"]
    assert [s.reason for s in p.suppressions] == ["old_news"]


def test_T31_a_removed_trigger_sees_nothing_and_an_edited_one_fires_in_its_new_version() -> None:
    p = live(news())
    p.set(news(match={"any": ["merger"]}, version=2))
    take(p, item(), item(headline="Merger", news_id="2"))
    assert [f.trigger_version for f in p.firings] == [2]
    p.change("remove")
    take(p, item(headline="Another merger", news_id="3"))
    assert len(p.firings) == 1


def test_T30_a_restored_engine_knows_its_items_and_since_when_it_counts() -> None:
    p = take(live(news(), news_other()), item())
    engine = Engine.restore(p.engine.snapshot(), EngineConfig())
    again = Player(engine)
    take(again, item(received="10:03:00"))
    assert again.firings == []
    fresh = item(published="10:04:00", received="10:05:00", news_id="2", headline="2")
    old = item(published="08:04:00", received="08:05:00", news_id="3", headline="3")
    take(again, fresh, old)
    take(p, fresh, old)
    assert again.firings == p.firings[len(p.firings) - len(again.firings) :] != []
    assert [s.reason for s in again.suppressions] == ["old_news"] * 2


def news_other() -> TriggerSpec:
    return trigger({"cooldown_seconds": 5}, agent_type="news_trigger", node_id="node-2")


def test_T27_the_evidence_names_what_was_found() -> None:
    config = {"match": {"all": ["acme"], "none": ["webinar"]}, "sources": ["Reuters"], "sentiment": "negative"}
    firing: Firing = take(live(news(**config)), item(source="Reuters")).firings[0]
    said = [(leaf.path, leaf.left.operand, leaf.left.now) for leaf in firing.evidence.leaves]
    assert said == [
        ("match.all", "found 'acme'", 1.0),
        ("match.none", "found none", 0.0),
        ("sources", "source 'Reuters'", 1.0),
        ("sentiment", "positive less negative words", -1.0),
        ("max_age_minutes", "age_ms", 120_000.0),
    ]
    assert all(leaf.result for leaf in firing.evidence.leaves)


@pytest.mark.parametrize("strange", ["\ud800", "\x00", "𝔊uidance" * 5000, "(" * 100, "https://[", "http://a:99999/"])
def test_strange_text_is_only_text(strange: str) -> None:
    p = live(news(match={"any": ["guidance"]}))
    take(p, item(headline=strange, summary=strange, url=strange, news_id=strange, source=strange))
    assert len(p.firings) + len(p.suppressions) <= 1
