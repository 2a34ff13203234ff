"""From a record on topic `firings` to a finished execution, over the real services and our real processes."""

from __future__ import annotations

from decimal import Decimal

from core.store import costs, orders
from core.store.blobs import Blobs
from core.store.listings import costs as ledger
from core.wire.records import CostRecord, EventRecord, decode
from core.wire.topics import topics
from tests.kit.agents_world import World
from tests.kit.log import put, read_all
from tests.kit.waiting import wait_until

NODES = ["trigger", "market-data", "bias", "strategy", "risk", "trade", "report"]


def test_a_firing_becomes_one_finished_execution_with_order_report_and_costs(platform: World) -> None:
    platform.market()
    before = len(platform.executions())
    firing = platform.firing(platform.pipeline())
    platform.publish(firing)
    platform.publish(firing)
    done = platform.wait_for_end(firing)
    steps = platform.steps(firing)
    assert done.status == "completed", done.error
    assert list(steps) == NODES
    assert {s.status for s in steps.values()} == {"completed"}, {k: (s.status, s.summary) for k, s in steps.items()}
    assert [s.attempt for s in steps.values()] == [1] * 7
    assert len(platform.executions()) == before + 1
    assert (steps["bias"].provider, steps["bias"].llm_calls) == ("rules", 3)
    assert (steps["strategy"].provider, steps["strategy"].llm_calls) == ("rules", 4)
    legs = platform.orders(firing)
    assert sorted(o.leg for o in legs) == ["entry", "stop", "stop", "target_1", "target_2"]
    covered = sum((o.quantity for o in legs if o.leg == "stop"), Decimal(0))
    assert covered == next(o.filled_quantity for o in legs if o.leg == "entry")
    html = Blobs(platform.settings).get(f"reports/{platform.user_id}/{done.id}.html")
    assert b"<!doctype html>" in html
    with platform.engine.connect() as tx:
        lines = ledger.of_execution(tx, platform.user_id, done.id)
        assert costs.of_execution(tx, done.id) == done.total_cost == sum(line.amount_usd for line in lines)
    assert done.total_cost > 0
    assert sum(line.cost_type == "llm_tokens" for line in lines) == 8


def test_its_events_are_told_in_order_and_its_costs_leave_by_the_outbox(platform: World) -> None:
    platform.market()
    firing = platform.firing(platform.pipeline())
    platform.publish(firing)
    done = platform.wait_for_end(firing)

    def told() -> list[EventRecord]:
        found = [decode(v, EventRecord) for v in read_all(platform.settings, topics(platform.settings).events.name)]
        mine = [e for e in found if e.execution_id == str(done.id)]
        return mine if mine and mine[-1].event == "execution_completed" else []

    events = wait_until(told, timeout_s=20, what="the events are on the topic")
    names = [e.event for e in events]
    assert names[:3] == ["execution_queued", "execution_started", "agent_started"]
    assert names.count("agent_completed") == 7
    assert "trade_executed" in names
    assert "report_ready" in names
    assert [e.seq for e in events] == sorted(e.seq for e in events)
    with platform.engine.connect() as tx:
        rows = tx.exec_driver_sql("SELECT payload FROM outbox WHERE topic = 'costs'").all()
    records = [decode(bytes(row[0]), CostRecord) for row in rows]
    amount = sum((r.amount_usd for r in records if r.execution_id == str(done.id)), Decimal(0))
    assert amount == done.total_cost


def test_a_hold_skips_the_trade_with_its_reason_and_is_reported(platform: World) -> None:
    platform.market()
    pipeline = platform.pipeline(node_settings={"bias": {"confidence_threshold": 100}})
    firing = platform.firing(pipeline)
    platform.publish(firing)
    done = platform.wait_for_end(firing)
    steps = platform.steps(firing)
    assert done.status == "completed"
    assert (steps["trade"].status, steps["report"].status) == ("skipped", "completed")
    assert "hold" in steps["trade"].summary
    assert platform.orders(firing) == []


def test_a_message_nobody_can_read_goes_to_the_dead_letters_and_the_next_one_runs(platform: World) -> None:
    platform.market()
    put(platform.settings, topics(platform.settings).firings.name, b"{not json", key="x")
    firing = platform.firing(platform.pipeline())
    platform.publish(firing)
    assert platform.wait_for_end(firing).status == "completed"
    assert read_all(platform.settings, topics(platform.settings).dead_letters.name)


def test_a_stop_fills_when_the_price_comes_and_its_target_is_cancelled(platform: World) -> None:
    platform.market()
    pipeline = platform.pipeline()
    firing = platform.firing(pipeline)
    platform.publish(firing)
    trade_id = orders.trade_id_of(platform.wait_for_end(firing).id)
    with platform.engine.connect() as tx:
        trade = orders.trade(tx, trade_id)
    assert trade is not None
    assert trade.stop_loss is not None
    platform.price(float(trade.stop_loss) - 5 if trade.action == "BUY" else float(trade.stop_loss) + 5)

    def closed() -> orders.Trade | None:
        with platform.engine.connect() as tx:
            found = orders.trade(tx, trade_id)
        return found if found and found.status == "closed" else None

    done = wait_until(closed, timeout_s=30, what="the trade is stopped out")
    assert done is not None
    assert done.pnl is not None
    assert done.pnl < 0
    states = {(o.leg, o.state) for o in platform.orders(firing)}
    assert states == {("entry", "filled"), ("stop", "filled"), ("target_1", "cancelled"), ("target_2", "cancelled")}
