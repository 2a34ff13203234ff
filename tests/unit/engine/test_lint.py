"""Remarks on triggers that are allowed but probably not meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.lint import FeedData, Remark, lint, may_repaint
from tests.unit.engine.grammar_cases import parse

Leaf = dict[str, object]
WHOLE = FeedData(whole_volume=True)


def remarks(*leaves: Leaf, **config: object) -> list[Remark]:
    group = config.pop("group", "all")
    spec = parse("technical_trigger", {str(group): list(leaves), "evaluate": "candle_close", **config})
    return [remark for remark in lint(spec, feed=WHOLE) if "warm up" not in remark.text]


def leaf(operand: str, operator: str, value: object, **others: object) -> Leaf:
    return {"operand": operand, "operator": operator, "value": value, **others}


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">", 100),
        leaf("RSI", "<", 0),
        leaf("RSI", "inside", [101, 200]),
        leaf("RSI", "outside", [0, 100]),
        leaf("RSI", "crosses_above", 100),
        leaf("RSI", "crosses_above", -1),
        leaf("RSI", "crosses_below", 0),
        leaf("price", "<=", 0),
        leaf("price", "falls_by_pct", 100, candles=2),
        leaf("ATR", "<", 0),
        leaf("close", ">", "close"),
        leaf("close", "crosses_above", "close@5m"),
    ],
)
def test_what_can_never_be_true_is_said(found: Leaf) -> None:
    assert Remark("all[0]", "can never be true") in remarks(found)


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">=", 0),
        leaf("RSI", "<=", 100),
        leaf("RSI", "inside", [0, 100]),
        leaf("price", ">", 0),
        leaf("close", ">=", "close"),
        leaf("volume", ">=", 0),
    ],
)
def test_what_is_always_true_is_said(found: Leaf) -> None:
    said = remarks(found)
    assert Remark("all[0]", "can only be true") in said
    assert any("never fires" in remark.text for remark in said)


@pytest.mark.parametrize(
    "found",
    [
        leaf("RSI", ">", 70),
        leaf("RSI", ">=", 100),
        leaf("RSI", "crosses_below", 100),
        leaf("price", ">", 100),
        leaf("close", ">", "close@1h"),
        leaf("MACD.line", "<", -1000),
        leaf("close", "falls_by_pct", 99, candles=2),
        leaf("volume", "<=", 0),
    ],
)
def test_what_can_be_both_is_left_alone(found: Leaf) -> None:
    assert remarks(found) == []


def test_comparisons_that_exclude_each_other_are_said() -> None:
    assert Remark("", "can never be true together") in remarks(leaf("RSI", ">", 70), leaf("RSI", "<", 30))
    assert Remark("", "can never be true together") in remarks(leaf("RSI", ">", 70), leaf("RSI", "<=", 70))
    assert remarks(leaf("RSI", ">=", 70), leaf("RSI", "<=", 70)) == []
    assert remarks(leaf("RSI", ">", 70), leaf("RSI@1h", "<", 30)) == []
    assert remarks(leaf("RSI", ">", 70), leaf("RSI", "<", 30), group="any") == []


def test_a_negation_turns_it_round() -> None:
    said = lint(parse("technical_trigger", {"not": leaf("RSI", ">", 100), "evaluate": "candle_close"}))
    assert any("never fires" in remark.text for remark in said)


def test_a_tick_trigger_on_forming_values_may_repaint() -> None:
    forming = parse("technical_trigger", {"conditions": [leaf("RSI", ">", 70)]})
    assert may_repaint(forming)
    assert [remark.path for remark in lint(forming)] == ["evaluate", "conditions[0]"]
    assert not may_repaint(parse("price_trigger", {"operator": ">", "value": 1.5}))
    closed = parse("technical_trigger", {"conditions": [leaf("RSI", ">", 70)], "evaluate": "candle_close"})
    assert not may_repaint(closed)


def test_volume_on_a_partial_feed_is_said() -> None:
    spec = parse("price_trigger", {"operand": "volume", "operator": ">", "value": 5, "evaluate": "candle_close"})
    assert any("feed carries" in remark.text for remark in lint(spec))
    assert lint(spec, feed=WHOLE) == ()


@pytest.mark.parametrize("name", ["OBV", "MFI", "AD", "CMF", "RVOL", "VWAP", "volume", "vwap"])
def test_T22_whatever_counts_volume_says_so_on_a_feed_that_carries_a_part(name: str) -> None:
    spec = parse("technical_trigger", {"all": [leaf(name, ">", 1)], "evaluate": "candle_close"})
    part = [remark for remark in lint(spec) if "counts only the part of the market" in remark.text]
    none = [remark for remark in lint(spec, feed=FeedData(has_volume=False)) if "does not carry" in remark.text]
    assert [remark.path for remark in part] == [remark.path for remark in none] == ["all[0]"]
    assert not any("feed carries" in remark.text for remark in lint(spec, feed=WHOLE))


@pytest.mark.parametrize(
    ("found", "is_said"),
    [
        (leaf("OBV", ">", 1000), True),
        (leaf("AD", "crosses_below", 0), True),
        (leaf("OBV", "inside", ["AD", 5000]), True),
        (leaf("AD", "rises_by_pct", 5, candles=3), True),
        (leaf("OBV", ">", "OBV@1h"), False),
        (leaf("CMF", ">", 0.1), False),
    ],
)
def test_a_level_that_depends_on_where_history_starts_is_no_level_for_a_number(found: Leaf, *, is_said: bool) -> None:
    assert any("depends on where its history starts" in remark.text for remark in remarks(found)) == is_said


def test_every_edge_without_cooldown_may_storm() -> None:
    config = {"operator": ">", "value": 5, "fire": "every_edge"}
    assert [r.path for r in lint(parse("price_trigger", config))] == ["cooldown_seconds"]
    assert lint(parse("price_trigger", {**config, "cooldown_seconds": 1})) == ()


def said(agent_type: str, config: Leaf, feed: FeedData = WHOLE) -> list[tuple[str, str]]:
    return [(remark.path, remark.text) for remark in lint(parse(agent_type, config), feed=feed)]


def closes(*leaves: Leaf, **config: object) -> Leaf:
    return {"all": list(leaves), "evaluate": "candle_close", **config}


def test_a_schedule_that_is_due_within_its_life_has_no_remarks() -> None:
    schedule = {"type": "cron", "expression": "* * * * *", "timezone": "UTC"}
    assert said("time_trigger", {"schedule": schedule}) == []
    assert said("time_trigger", {"schedule": schedule, "valid_from": "2025-03-10T09:30Z"}) == []


def test_a_schedule_that_is_never_due_within_its_life_is_said() -> None:
    at_noon = {"type": "specific_time", "time": "12:00", "timezone": "UTC"}
    life = {"valid_from": "2025-03-10T12:00:01Z", "valid_until": "2025-03-11T12:00Z"}
    assert said("time_trigger", {"schedule": at_noon, **life}) == [
        ("schedule", "is not due before valid_until: it never fires")
    ]
    on_a_day = {**at_noon, "date": "2025-03-10"}
    assert said("time_trigger", {"schedule": on_a_day, "valid_from": "2025-03-11T00:00Z"}) == [
        ("schedule.date", "is not due after valid_from: it never fires")
    ]
    assert said("time_trigger", {"schedule": on_a_day, "valid_until": "2025-03-10T12:00Z"}) == [
        ("schedule.date", "is not due before valid_until: it never fires")
    ]
    assert said("time_trigger", {"schedule": on_a_day, "valid_until": "2025-03-10T12:01Z"}) == []


def test_two_operands_whose_numbers_never_meet_are_said() -> None:
    assert Remark("all[0]", "can never be true") in remarks(leaf("RSI", "inside", [200, "price"]))


@pytest.mark.parametrize(
    "tree",
    [
        {"any": [leaf("price", ">", 100), leaf("price", "<=", 100)]},
        {"any": [leaf("price", ">", 80), {"not": leaf("price", ">", 90)}]},
        {"any": [leaf("RSI", "<", 60), leaf("RSI", ">", 40)]},
        {"not": {"all": [leaf("price", ">", 100), leaf("price", "<", 90)]}},
    ],
)
def test_choices_that_leave_nothing_out_are_always_true(tree: Leaf) -> None:
    texts = [text for _, text in said("technical_trigger", {**tree, "evaluate": "candle_close"})]
    assert any(text.startswith("always true") for text in texts)


@pytest.mark.parametrize(
    "tree",
    [
        {"all": [leaf("price", "crosses_above", 100), leaf("price", "<", 90)]},
        {"all": [leaf("price", ">", 100), {"all": [leaf("price", "<", 90), leaf("RSI", ">", 50)]}]},
        {"all": [leaf("price", ">", 100), {"not": leaf("price", ">", 90)}]},
        {"all": [leaf("price", ">", 100), {"not": {"any": [leaf("price", ">=", 100), leaf("RSI", ">", 50)]}}]},
    ],
)
def test_contradictions_are_found_across_groups(tree: Leaf) -> None:
    texts = [text for _, text in said("technical_trigger", {**tree, "evaluate": "candle_close"})]
    assert "can never be true together" in texts


@pytest.mark.parametrize(
    "tree",
    [
        {"any": [leaf("price", ">", 100), leaf("price", "<", 100)]},
        {"any": [leaf("price", ">", 100), leaf("price", "crosses_below", 110)]},
        {"all": [leaf("price", ">", 100), {"any": [leaf("price", "<", 90), leaf("RSI", ">", 50)]}]},
        {"all": [leaf("price", ">", 100), leaf("price", "<", 90, hysteresis=20)]},
        {"all": [leaf("price", ">", 100), {"not": leaf("price", "crosses_above", 90)}]},
    ],
)
def test_trees_that_can_be_both_are_left_alone(tree: Leaf) -> None:
    texts = [text for _, text in said("technical_trigger", {**tree, "evaluate": "candle_close"})]
    assert not any("true" in text for text in texts)


def test_a_comparison_written_twice_is_said() -> None:
    assert said("technical_trigger", closes(leaf("price", ">", 5), leaf("price", ">", 5.0))) == [
        ("all[1]", "says the same as all[0]")
    ]


def test_T18_what_must_warm_up_is_said_once_a_timeframe_with_the_longest_need() -> None:
    found = said(
        "technical_trigger", closes(leaf("RSI", ">", 70), leaf("price", ">", "SMA_50@1h"), leaf("EMA_20", ">", "price"))
    )
    assert found == [
        ("all[2]", "EMA_20 needs 20 candles of 5m to warm up, 89 until it is stable"),
        ("all[1]", "SMA_50 needs 50 candles of 1h to warm up"),
    ]


def test_T18_a_trigger_that_waits_for_stable_values_needs_as_many() -> None:
    assert said("technical_trigger", closes(leaf("RSI", ">", 70), require_stable=True)) == [
        ("all[0]", "RSI_14 needs 112 candles of 5m to warm up")
    ]


def test_candles_back_count_as_history() -> None:
    assert said("technical_trigger", closes(leaf("price", "rises_by_pct", 2, candles=6))) == [
        ("all[0]", "price needs 7 candles of 5m to warm up")
    ]
    assert said("technical_trigger", closes(leaf("SMA_20@1h", "falls_by_pct", 2, candles=6))) == [
        ("all[0]", "SMA_20 needs 26 candles of 1h to warm up")
    ]
    assert said("price_trigger", {"operator": ">", "value": 5}) == []


def test_more_history_than_there_is_is_said() -> None:
    feed = FeedData(whole_volume=True, history={"1d": 100})
    ((path, text),) = said("technical_trigger", closes(leaf("price", ">", "SMA_200@1d")), feed)
    assert path == "all[0]"
    assert text == "SMA_200 needs 200 candles of 1d to warm up, and only 100 are to be had: it stays unknown until then"


def test_T22_a_symbol_nobody_gives_history_of_is_said_where_something_has_to_warm_up() -> None:
    spec = parse("technical_trigger", closes(leaf("price", ">", "SMA_20@1d")))
    [symbol] = spec.symbols
    feed = FeedData(whole_volume=True, no_history={symbol: "not allowed to this key", "OTHER": "the same"})
    wanted = (
        f"no candles of {symbol} from before now can be had (not allowed to this key): it warms up from live trades"
    )
    assert Remark("", wanted) in lint(spec, feed=feed)
    assert said("price_trigger", {"operator": ">", "value": 5}, feed) == []


def test_a_feed_without_volume_or_news_is_said() -> None:
    config: Leaf = {"operand": "vwap", "operator": ">", "value": 5, "evaluate": "candle_close"}
    ((_, text),) = said("price_trigger", config, FeedData(has_volume=False))
    assert "does not carry" in text
    assert ("", "needs news, which the feed does not carry: it never fires") in said(
        "news_trigger", {"sources": ["AP"]}, FeedData(has_news=False)
    )


def test_T7_a_hold_that_nothing_can_keep_is_said() -> None:
    crossing = leaf("price", "crosses_above", 5, within_candles=2)
    assert said("technical_trigger", {"all": [crossing], "hold": {"seconds": 600}}) == []
    ((path, text),) = said("technical_trigger", {"all": [crossing], "hold": {"seconds": 601}})
    assert path == "all[0]"
    assert "never fires" in text
    assert any("never fires" in t for _, t in said("technical_trigger", closes(crossing, hold={"candles": 3})))
    assert said("technical_trigger", closes(crossing, hold={"candles": 2})) == []
    day: Leaf = {"operator": ">", "value": 5, "hold": {"seconds": 86_400}}
    assert said("price_trigger", day) == [
        ("hold.seconds", "longer than any session, whose end breaks it: it never fires")
    ]


def test_extended_hours_that_an_exchange_has_not_are_said() -> None:
    config = {"operator": ">", "value": 5, "session": "extended"}
    london = replace(parse("price_trigger", config), symbols=("LSE:VOD", "AAPL"))
    assert lint(london) == (Remark("session", "LSE:VOD has no extended hours: the same as regular"),)


def test_news_that_keeps_itself_out_is_said() -> None:
    match = {"all": ["rate cut"], "any": ["fed", "ecb"], "none": ["rate", "ECB"]}
    assert said("news_trigger", {"match": match}) == [
        ("match.all[0]", "is kept out by match.none: it never fires"),
        ("match.any[1]", "is kept out by match.none"),
    ]
    assert said("news_trigger", {"match": {"any": ["a", "b"], "none": ["a", "b"]}})[0] == (
        "match.any[0]",
        "is kept out by match.none: it never fires",
    )


def test_news_without_any_wish_is_said() -> None:
    assert said("news_trigger", {}) == [("match", "takes every item of its symbols")]
    assert said("news_trigger", {"sentiment": "negative"}) == []


def test_T32_more_symbols_than_the_feed_carries_at_a_time_is_said() -> None:
    spec = replace(parse("price_trigger", {"operator": ">", "value": 5}), symbols=("AAPL", "MSFT", "NVDA"))
    (remark,) = lint(spec, feed=FeedData(slots=2))
    assert remark == Remark(
        "", "reads 3 symbols, and the feed carries 2 at a time: 1 of them has no slot and is not evaluated"
    )
    assert lint(spec, feed=FeedData(slots=3)) == ()


def test_T32_a_symbol_that_waits_for_a_slot_is_said_with_the_reason() -> None:
    spec = replace(parse("price_trigger", {"operator": ">", "value": 5}), symbols=("AAPL", "MSFT"))
    (remark,) = lint(spec, feed=FeedData(slots=50, waiting={"MSFT": "the key allows 50 symbols"}))
    assert remark.text == ("MSFT has no slot of the feed, and is not evaluated until it has: the key allows 50 symbols")
