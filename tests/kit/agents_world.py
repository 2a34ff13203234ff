"""A small world for the agents: a user, a pipeline, a market in ClickHouse and Redis, and our processes on it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import JsonValue
from sqlalchemy import select

from api.definition import define
from core.clock import SystemClock
from core.pipeline import load_json
from core.settings import Settings
from core.store import executions, orders, pipelines, postgres, users
from core.store import redis as live
from core.store.clickhouse.client import ClickHouse
from core.store.executions import StoredExecution, StoredStep
from core.store.pipelines import StoredPipeline
from core.store.redis import FormingCandle, Snapshot
from core.store.tables import pipeline_executions, suppressions
from core.wire.kafka import ensure_topics
from core.wire.records import encode
from core.wire.topics import topics
from engine.condition import TIMEFRAMES
from engine.firing import Evidence, Firing, LeafEvidence, Side, firing_id
from tests.kit.log import put
from tests.kit.processes import RunningProcess, running
from tests.kit.waiting import wait_until

BTC = "BINANCE:BTCUSDT"
EXAMPLES = Path(__file__).parents[2] / "examples"
LENGTH_MS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}
WORKER = (
    "celery", "-A", "agents.worker", "worker", "-P", "threads", "-c", "4", "--without-gossip", "--without-mingle",
)  # fmt: skip
BEAT = ("celery", "-A", "agents.worker", "beat")
DISPATCHER = ("agents.dispatch",)
_COLUMNS = (
    "symbol", "session", "timeframe", "ts_ms", "end_ms", "open", "high", "low", "close", "volume", "vwap",
    "trades", "partial", "feed", "source", "indicators", "version",
)  # fmt: skip


@dataclass(slots=True)
class World:
    settings: Settings
    engine: postgres.Engine
    user_id: UUID
    clock: SystemClock = field(default_factory=SystemClock)
    _number: int = 0

    def pipeline(
        self,
        name: str = "btc-breakout",
        *,
        symbol: str = "",
        node_settings: Mapping[str, dict[str, JsonValue]] | None = None,
        **settings: JsonValue,
    ) -> StoredPipeline:
        """Save an example as an active pipeline, with these of its settings, and of its nodes', changed."""
        config = load_json((EXAMPLES / f"{name}.json").read_text()).to_json()
        config["symbol"] = symbol or config["symbol"]
        own = config.setdefault("settings", {})
        assert isinstance(own, dict)
        own.update({"retry_delay": 0, **settings})
        nodes = config["nodes"]
        assert isinstance(nodes, list)
        for node in nodes:
            assert isinstance(node, dict)
            assert isinstance(node["config"], dict)
            node["config"].update((node_settings or {}).get(str(node["id"]), {}))
        pipeline_id = uuid4()
        with self.engine.begin() as tx:
            return pipelines.create(
                tx,
                pipeline_id=pipeline_id,
                user_id=self.user_id,
                definition=define(config, pipeline_id),
                is_active=True,
                at=datetime.now(UTC),
            )

    def market(self, symbol: str = BTC, *, price: float = 64_000.0, slope: float = 0.0004) -> None:
        """Fill ClickHouse with closed candles that end at the price, rising by `slope` a candle, and Redis with it."""
        now = self.clock.now_ms()
        clickhouse = ClickHouse(self.settings)
        for timeframe, length in LENGTH_MS.items():
            rows = candles(symbol, timeframe, end_ms=now // length * length, price=price, slope=slope)
            clickhouse.insert("candles", _COLUMNS, rows, by_column=False, token=f"{symbol}{timeframe}{now}")
        clickhouse.close()
        self.price(price, symbol)

    def headline(self, text: str, symbol: str = BTC, *, age_ms: int = 60_000, source: str = "Wire") -> None:
        """Have a feed's news list tell this of a symbol."""
        self._number += 1
        at = self.clock.now_ms() - age_ms
        row = (f"news-{self.user_id}-{self._number}", [symbol], at, at, text, "", source, "")
        clickhouse = ClickHouse(self.settings)
        names = ("news_id", "symbols", "published_ms", "recv_ms", "headline", "summary", "source", "url")
        clickhouse.insert("news", names, [row], by_column=False, token=row[0])
        clickhouse.close()

    def price(self, price: float, symbol: str = BTC) -> None:
        """Move the live price."""
        now = self.clock.now_ms()
        forming = {
            tf: FormingCandle(
                ts_ms=now // LENGTH_MS[tf] * LENGTH_MS[tf],
                end_ms=(now // LENGTH_MS[tf] + 1) * LENGTH_MS[tf],
                open=price,
                high=price * 1.0001,
                low=price * 0.9999,
                close=price,
                volume=1.5,
                vwap=price,
                trades=3,
            )
            for tf in TIMEFRAMES
        }
        snapshot = Snapshot(symbol=symbol, ts_ms=now, price=price, feed="simulator", health="live", candles=forming)
        with contextlib.closing(live.client(self.settings)) as connection:
            live.publish_snapshots(connection, [snapshot])

    def firing(self, pipeline: StoredPipeline, *, age_ms: int = 0, price: float = 64_001.0) -> Firing:
        """Make a firing of a pipeline's trigger, decided now or a while ago."""
        self._number += 1
        at = self.clock.now_ms() - age_ms
        leaf = LeafEvidence(
            path="conditions[0]",
            operator="crosses_above",
            left=Side("price", 63_999.0, price),
            right=Side("64000", 64_000.0, 64_000.0),
            upper=None,
            result=True,
        )
        symbol = pipeline.symbols[0]
        return Firing(
            firing_id=firing_id(pipeline.trigger_id, 1, symbol, at, self._number),
            pipeline_id=str(pipeline.id),
            trigger_id=pipeline.trigger_id,
            trigger_version=1,
            symbol=symbol,
            ts_ms=at,
            decided_ms=at,
            price=price,
            kind="tick",
            evidence=Evidence((leaf,), True, (), "live", "simulator", None, at, "0" * 64, "1"),
        )

    def publish(self, firing: Firing) -> None:
        put(self.settings, topics(self.settings).firings.name, encode(firing), key=firing.pipeline_id)

    def execution(self, firing: Firing) -> StoredExecution | None:
        with self.engine.connect() as tx:
            return executions.get(tx, executions.id_of(firing.firing_id))

    def executions(self) -> list[UUID]:
        with self.engine.connect() as tx:
            return [row[0] for row in tx.execute(select(pipeline_executions.c.id))]

    def suppressed(self) -> dict[str, str]:
        """Return the reasons of the dispatcher's suppressions by firing id."""
        with self.engine.connect() as tx:
            rows = tx.execute(select(suppressions.c.firing_id, suppressions.c.reason))
            return {str(row[0]): row[1] for row in rows}

    def steps(self, firing: Firing) -> dict[str, StoredStep]:
        with self.engine.connect() as tx:
            return {s.node_id: s for s in executions.steps(tx, executions.id_of(firing.firing_id))}

    def orders(self, firing: Firing) -> list[orders.Order]:
        with self.engine.connect() as tx:
            return orders.orders_of(tx, orders.trade_id_of(executions.id_of(firing.firing_id)))

    def wait_for_end(self, firing: Firing, *, timeout_s: float = 180) -> StoredExecution:
        def ended() -> StoredExecution | None:
            found = self.execution(firing)
            return found if found and found.status not in executions.UNFINISHED else None

        found = wait_until(ended, timeout_s=timeout_s, what="the execution ends")
        assert found is not None
        return found

    def wait_until_ready(self, name: str, process: RunningProcess, *, timeout_s: float = 180) -> None:
        """Wait until a process of ours beats and says it is well."""

        def is_ready() -> bool:
            assert process.exit_code is None, f"{name} ended with {process.exit_code}: {process.output[-3000:]}"
            with contextlib.closing(live.client(self.settings)) as connection:
                beats = live.heartbeats(connection)
            return any(b.process == name and b.pid == process.pid and b.state == "ok" for b in beats)

        wait_until(is_ready, timeout_s=timeout_s, what=f"{name} is ready", every_s=0.1)

    @contextlib.contextmanager
    def process(self, arguments: Sequence[str], folder: Path) -> Generator[RunningProcess]:
        """Run one of our processes on this world."""
        with running(self.settings, arguments, folder / f"{arguments[-1].strip('-')}-{uuid4().hex[:6]}.log") as process:
            yield process

    def become_another_user(self) -> None:
        """Go on as a new user, with an account of its own."""
        self.user_id = _add_user(self.engine)

    def close(self) -> None:
        self.engine.dispose()


def make_world(settings: Settings) -> World:
    """Make a user on migrated stores, and the topics."""
    ensure_topics(settings)
    engine = postgres.engine(settings)
    return World(settings, engine, _add_user(engine))


def _add_user(engine: postgres.Engine) -> UUID:
    user_id = uuid4()
    with engine.begin() as tx:
        users.create(tx, user_id=user_id, email=f"{user_id.hex[:8]}@example.com", password_hash="x")
    return user_id


def candles(
    symbol: str, timeframe: str, *, end_ms: int, price: float, slope: float, count: int = 120
) -> list[tuple[object, ...]]:
    """Return rows of closed candles, the last ending at `end_ms` with this close; a gentle wave on a slope."""
    length = LENGTH_MS[timeframe]
    closes = [price * (1 - slope) ** (count - 1 - i) * (1 + 0.0006 * math.sin(i)) for i in range(count)]
    closes = [close * price / closes[-1] for close in closes]
    rows: list[tuple[object, ...]] = []
    for i, close in enumerate(closes):
        opened = closes[i - 1] if i else close
        start = end_ms - (count - i) * length
        high, low = max(opened, close) * 1.0008, min(opened, close) * 0.9992
        rows.append(
            (
                symbol, "regular", timeframe, start, start + length, opened, high, low, close, 10.0,
                (high + low + close) / 3, 25, False, "simulator", "live", dict[str, float](), 2,
            )
        )  # fmt: skip
    return rows
