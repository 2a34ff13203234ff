"""News from the feed's REST list to a firing (T34); what the key may use, asked once and kept to."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from core.settings import Settings
from core.store import feed_status
from core.store import redis as redis_store
from core.store.feed_status import Capabilities
from core.wire.records import NewsRecord, TriggerRecord, decode
from core.wire.topics import topics
from deploy.embedded.environment import CHECKOUT
from tests.integration.ingest.log_of_trades import BTC, LogOfTrades, detail_of, settings_for
from tests.kit.log import put_triggers, read_all, read_firings
from tests.kit.market_flow import running_market, wait_for_beat
from tests.kit.processes import running
from tests.kit.simulator import running_simulator
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

LONG_S = 60
TRIGGER = TriggerRecord(
    pipeline_id="p-news", trigger_id="p-news/node-1", trigger_version=1, action="set", user_id="u",
    pipeline_version=1, at_ms=0, agent_type="news_trigger", config={"match": {"any": ["merger"]}},
    symbols=["AAPL", BTC],
)  # fmt: skip


def published(settings: Settings) -> list[NewsRecord]:
    return [decode(value, NewsRecord) for value in read_all(settings, topics(settings).news.name)]


def test_T34_an_item_of_the_feed_fires_once_a_symbol_also_when_ingest_starts_again(
    migrated: Settings, tmp_path: Path
) -> None:
    with running_simulator(tmp_path) as simulator:
        own = settings_for(migrated, simulator, watch=BTC).model_copy(update={"finnhub_news_stream": True})
        put_triggers(own, [TRIGGER])
        with running_market(own, tmp_path / "market.out") as market:
            with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
                # An item must be younger than the arming, which is known with the first mark.
                wait_for_beat(own, market, what="trades of an armed trigger", triggers=1, trades=5)
                simulator.write_news("AAPL", "Apple says no to a merger")
                simulator.write_news(BTC, "Merger of two exchanges")
                simulator.write_news("AAPL", "Apple opens a shop")
                wait_until(lambda: len(read_firings(own)) >= 2, timeout_s=LONG_S, what="both firings")
            with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
                simulator.write_news("AAPL", "The merger is off")
                wait_until(lambda: len(read_firings(own)) >= 3, timeout_s=LONG_S, what="the third")
    found = [(f.symbol, f.evidence.news.headline) for f in read_firings(own) if f.evidence.news is not None]
    assert sorted(found) == sorted(
        [("AAPL", "Apple says no to a merger"), (BTC, "Merger of two exchanges"), ("AAPL", "The merger is off")]
    )
    # The last hour of each symbol, and nothing of before, not after a restart either.
    records = published(own)
    assert min(r.published_ms for r in records) >= records[0].recv_ms - 3_700_000
    keys = [(r.symbols[0], r.news_id) for r in records]
    assert len(keys) == len(set(keys))
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()


def test_what_the_plan_lacks_is_asked_once_stored_and_said(settings: Settings, tmp_path: Path) -> None:
    refused = ("stock/candle", "crypto/candle", "company-news")
    with running_simulator(tmp_path, *(a for path in refused for a in ("--refuse", path))) as simulator:
        own = settings_for(settings, simulator, watch=f"{BTC},AAPL,MSFT,F")
        log = LogOfTrades(own)
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            found = wait_until(lambda: _probed(own), timeout_s=LONG_S, what="the probe")
            wait_until(
                lambda: "not allowed to this key: company_news" in detail_of(own), timeout_s=LONG_S, what="it said"
            )
            wait_until(lambda: log.trades() > 5, timeout_s=LONG_S, what="trades all the same")
            assert [simulator.calls(path) for path in refused] == [1, 1, 1]
        log.close()
        said = _doctor(own, tmp_path)
    assert found is not None
    states = {c.feature: (c.state, c.status) for c in found.features}
    assert states == {
        "quote": ("allowed", 200), "stock_candle": ("refused", 403), "crypto_candle": ("refused", 403),
        "company_news": ("refused", 403), "news": ("allowed", 200), "market_status": ("allowed", 200),
    }  # fmt: skip
    assert "the key may use" in said
    assert "the plan lacks stock_candle, crypto_candle, company_news" in said


def _doctor(settings: Settings, folder: Path) -> str:
    kept = {"PATH": os.environ["PATH"], "COLUMNS": "200"}
    command = [sys.executable, "-m", "cli.main", "doctor", "--data-dir", str(folder)]
    done = subprocess.run(command, env={**kept, **variables_of(settings)}, cwd=CHECKOUT, capture_output=True, text=True)
    return " ".join(done.stdout.split())


def _probed(settings: Settings) -> Capabilities | None:
    with contextlib.closing(redis_store.client(settings)) as connection:
        found = feed_status.capabilities(connection)
    return found if found is not None and len(found.features) == 6 else None
