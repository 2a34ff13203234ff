"""News over a real broker: an item on the topic becomes a firing of each trigger that looks for it, once."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from core.wire.records import NewsRecord, TriggerRecord, encode
from core.wire.sure_reader import open_log
from core.wire.topics import topics
from tests.kit.log import put, put_tape, put_triggers, read_firings
from tests.kit.market_flow import running_market, wait_for_beat
from tests.kit.tape import START_MS, SYMBOLS, make_tape
from tests.kit.waiting import wait_until

TRIGGER = TriggerRecord(
    pipeline_id="p-news", trigger_id="p-news/node-1", trigger_version=1, action="set", user_id="u",
    pipeline_version=1, at_ms=0, agent_type="news_trigger", config={"match": {"any": ["guidance"]}},
    symbols=list(SYMBOLS),
)  # fmt: skip


def put_news(settings: Settings, news_id: str, headline: str, second: int) -> None:
    published = START_MS + 1000 * second
    symbols = [SYMBOLS[0], SYMBOLS[1]]
    item = NewsRecord(
        news_id=news_id, symbols=symbols, published_ms=published, recv_ms=published + 700, headline=headline
    )
    put(settings, topics(settings).news.name, encode(item))


def test_T34_an_item_fires_once_a_symbol_also_across_a_kill(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    settings = migrated.model_copy(update={"checkpoint_interval_ms": 300})
    tape = make_tape(seconds=60, partitions=settings.trades_partitions)
    put_triggers(settings, [TRIGGER])
    with running_market(settings, tmp_path / "market.out") as market:
        wait_for_beat(settings, market, what="the trigger armed", triggers=1)
        put_tape(settings, tape[: len(tape) // 2])
        # The time at which a trigger was armed is known with the first mark, and an item must be younger.
        wait_for_beat(settings, market, what="the first half read", trades=100)
        put_news(settings, "n-1", "Acme cuts guidance", 40)
        put_news(settings, "n-2", "Acme opens a plant", 41)
        wait_until(lambda: len(read_firings(settings)) >= 2, timeout_s=30, what="both firings")
        market.kill()
    put_news(settings, "n-1", "Acme cuts guidance", 40)
    put_news(settings, "n-3", "ACME cuts guidance!", 45)
    put_news(settings, "n-4", "Beta raises guidance", 46)
    with running_market(settings, tmp_path / "market.out") as market:
        wait_for_beat(settings, market, what="the flow to be well", triggers=1)
        put_tape(settings, tape[len(tape) // 2 :])
        wait_until(lambda: len({f.firing_id for f in read_firings(settings)}) >= 4, timeout_s=30, what="both of n-4")
        assert market.stop() == 0, market.output
    found = {f.firing_id: f for f in read_firings(settings)}.values()
    said = sorted((f.evidence.news.news_id, f.symbol, f.kind) for f in found if f.evidence.news is not None)
    assert said == sorted((n, s, "news") for n in ("n-1", "n-4") for s in SYMBOLS[:2])
