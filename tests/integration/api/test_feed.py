"""The feed as the user is shown it: each symbol with its reason, who waits, what the key may use."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from msgspec import structs

from api.context import Context
from api.pipelines import status_of
from core.store import feed_status
from core.store.feed_status import Capabilities, Capability, FeedStatus, SlotWait, SymbolFeed
from core.store.redis import TriggerState
from tests.kit.api import Person

EXAMPLES = Path(__file__).parents[3] / "examples"
NOON_MS = 1_795_435_200_000
NO_SLOT = "waiting for a slot: the key allows 2 symbols"
STATUS = FeedStatus(
    feed="finnhub", at_ms=NOON_MS, recv_ms=NOON_MS, health="live", limit=2,
    symbols={
        "MSFT": SymbolFeed(health="stale", since_ms=NOON_MS - 5_000, last_trade_ms=NOON_MS - 9_000, detail="mute"),
        "AAPL": SymbolFeed(health="live", since_ms=NOON_MS - 60_000, last_trade_ms=NOON_MS, a_minute=88.5),
        "TSLA": SymbolFeed(health="disconnected", since_ms=NOON_MS - 1_000, detail=NO_SLOT),
    },
    waiting=[SlotWait(symbol="TSLA", reason="limit", since_ms=NOON_MS - 1_000, detail=NO_SLOT)],
)  # fmt: skip


@pytest.fixture
def told(app_context: Context) -> Generator[None]:
    key = Capability(feature="stock_candle", state="refused", at_ms=NOON_MS, status=403)
    feed_status.put_status(app_context.redis, STATUS)
    feed_status.put_capabilities(app_context.redis, Capabilities(feed="finnhub", at_ms=NOON_MS, features=[key]))
    yield
    app_context.redis.delete(feed_status.STATUS_KEY, feed_status.CAPABILITIES_KEY)


@pytest.mark.usefixtures("told")
def test_each_symbol_has_its_state_since_when_and_why(person: Person) -> None:
    feed = person.get("/market/feed").json()
    assert (feed["state"], feed["sentence"], feed["symbol_limit"]) == ("live", "connected to finnhub", 2)
    assert [(s["symbol"], s["state"], s["reason"]) for s in feed["symbols"]] == [
        ("AAPL", "live", "trades are coming in"),
        ("MSFT", "stale", "mute: its triggers rest"),
        ("TSLA", "disconnected", f"{NO_SLOT}: its triggers rest"),
    ]
    assert feed["symbols"][1]["since_ms"] == NOON_MS - 5_000
    assert feed["symbols"][2]["last_trade_ms"] is None
    assert [(w["symbol"], w["reason"], w["sentence"]) for w in feed["waiting"]] == [("TSLA", "limit", NO_SLOT)]
    assert [(c["feature"], c["state"]) for c in feed["capabilities"]] == [("stock_candle", "refused")]


@pytest.mark.usefixtures("told")
def test_the_health_carries_the_feed_and_says_that_halts_are_not_seen(person: Person) -> None:
    feed = person.get("/health").json()["feed"]
    assert len(feed["symbols"]) == 3
    assert feed["sees_halts"] is False
    assert feed["halts"].startswith("Halts are not seen")


@pytest.mark.usefixtures("told")
def test_T22_a_trigger_that_needs_what_the_key_may_not_have_is_told_so_when_it_is_written(person: Person) -> None:
    config = json.loads((EXAMPLES / "eth-momentum.json").read_text()) | {"symbol": "AAPL"}
    answer = person.post("/pipelines/check", {"config": config}).json()
    assert answer["is_valid"] is True
    said = [" ".join(remark.values()) for remark in answer["lint"]]
    assert any("no candles of AAPL" in text and "stock_candle is not allowed" in text for text in said), said


def test_a_silent_ingest_is_an_unknown_feed_and_no_live_one(person: Person) -> None:
    feed = person.get("/market/feed").json()
    assert (feed["state"], feed["symbols"], feed["at_ms"]) == ("unknown", [], None)
    assert feed["sentence"].startswith("nobody listens")


def test_an_armed_trigger_whose_symbol_has_no_slot_waits_for_one_and_says_since_when() -> None:
    status = status_of(TriggerState(trigger_id="t", symbol="TSLA", state="armed"), STATUS)
    assert (status.state, status.unjudged_since_ms) == ("waiting_for_slot", NOON_MS - 1_000)
    assert status.detail.endswith(f"Z: {NO_SLOT}")
    assert status.detail.startswith("not judged since ")


def test_an_armed_trigger_on_a_stale_feed_is_not_judged_and_says_since_when() -> None:
    status = status_of(TriggerState(trigger_id="t", symbol="MSFT", state="armed"), STATUS)
    assert (status.state, status.health, status.unjudged_since_ms) == ("armed", "stale", NOON_MS - 5_000)


def test_T22_a_trigger_that_warms_up_without_a_source_of_history_says_which_are_missing() -> None:
    told = structs.replace(STATUS, no_history={"AAPL": "broker bars: no key is set"})
    status = status_of(TriggerState(trigger_id="t", symbol="AAPL", state="warming", missing_candles=3), told)
    assert (status.state, status.missing_candles) == ("warming", 3)
    assert status.detail.endswith("values; no history source (broker bars: no key is set)")


@pytest.mark.parametrize(("symbol", "state"), [("AAPL", "armed"), ("MSFT", "paused"), ("TSLA", "completed")])
def test_a_trigger_that_is_judged_or_need_not_be_is_no_alarm(symbol: str, state: str) -> None:
    status = status_of(TriggerState(trigger_id="t", symbol=symbol, state=state), STATUS)
    assert (status.state, status.unjudged_since_ms) == (state, None)
