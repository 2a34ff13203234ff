"""Trade received → execution started: through intake, broker, market flow, dispatcher and task queue to a worker.

At a rate of firings that one worker can follow; what an execution does after it has started is not part of it (the
built-in `rules` answer in place of a model). The start is the moment at which the worker takes the execution in
PostgreSQL, by its clock; both clocks are this machine's.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy import select

from api.definition import define
from benchmarks.engine.result import Figure
from benchmarks.stream import scene
from benchmarks.stream.feed import Told
from benchmarks.stream.services import beat_of, process, services, settings_of, wait_for, wait_for_flow
from core.pipeline import load_json
from core.settings import PREFIX, Settings
from core.store import outbox, pipelines, postgres, users
from core.store.tables import pipeline_executions
from core.wire import kafka
from deploy.embedded.environment import CHECKOUT

_EXAMPLE = CHECKOUT / "examples" / "btc-breakout.json"
_RULES = {"OPENAI_API_KEY": "", PREFIX + "OPENAI_API_KEY": ""}
_WORKER = (
    "celery",
    "-A",
    "agents.worker",
    "worker",
    "-P",
    "threads",
    "-c",
    "4",
    "--without-gossip",
    "--without-mingle",
)
_READY_S = 180.0
_LAST_S = 60.0

Started = dict[tuple[str, int], int]
"""The wall-clock nanoseconds at which an execution started, by its firing's symbol and time."""


@dataclass(frozen=True, slots=True)
class Load:
    """`firings` a second, spread over 20 pipelines, for `seconds` after a first round of all of them."""

    rate: int = 1_000
    firings: float = 1.0
    seconds: float = 30.0


def figures(load: Load, broker: str) -> Generator[Figure]:
    """Measure.

    Raises:
        AssertionError: a firing led to no execution that started, or an execution is of no firing we caused.
        ConfigError: the broker asked for is not installed.
    """
    with services(broker, f"bench-{uuid.uuid4().hex[:8]}.") as base, contextlib.ExitStack() as undo:
        folder = Path(base[PREFIX + "DATA_DIR"]) / "executions"
        folder.mkdir()
        variables = {**base, **_RULES, PREFIX + "DATA_DIR": str(folder)}
        settings = settings_of(variables)
        kafka.ensure_topics(settings)
        _arm(settings)
        flow = undo.enter_context(process(variables, folder / "market.log", "dataflows.market"))
        undo.enter_context(process(variables, folder / "dispatcher.log", "agents.dispatch"))
        undo.enter_context(process(variables, folder / "worker.log", *_WORKER))
        wait_for_flow(settings, flow, folder / "market.log", triggers=scene.MOVERS)
        for name in ("dispatcher", "worker"):
            wait_for(f"the {name}", lambda name=name: _is_well(settings, name), timeout_s=_READY_S)
        sent = _fed(variables, folder, load)
        clocks_apart_ns = time.time_ns() - time.monotonic_ns()
        started = _started(settings, sent)
        taken = [started[d.symbol, d.ts_ms] - clocks_apart_ns - d.due_ns for d in sent.due]
        yield from _figures(np.array(taken, np.float64) / 1e6, f"{broker}, {load.rate:,} trades/s", load.firings)


def _arm(settings: Settings) -> None:
    """Save one pipeline a mover, and publish its trigger as the API would."""
    engine = postgres.engine(settings)
    user_id = uuid.uuid4()
    with engine.begin() as tx:
        users.create(tx, user_id=user_id, email=f"{user_id.hex[:8]}@example.com", password_hash=uuid.uuid4().hex)
        for n in range(scene.MOVERS):
            config = load_json(_EXAMPLE.read_text()).to_json()
            config["symbol"] = scene.mover(n)
            nodes = config["nodes"]
            assert isinstance(nodes, list)
            trigger = nodes[0]
            assert isinstance(trigger, dict)
            trigger["config"] = {"operator": "crosses_above", "value": scene.THRESHOLD, "fire": "every_edge"}
            pipeline_id = uuid.uuid4()
            pipelines.create(
                tx,
                pipeline_id=pipeline_id,
                user_id=user_id,
                definition=define(config, pipeline_id),
                is_active=True,
                at=datetime.now(UTC),
            )
        messages = outbox.unpublished(tx)
    engine.dispose()
    producer = kafka.producer(settings)
    for message in messages:
        producer.produce(settings.topic_prefix + message.topic, message.payload, message.key)
    assert producer.flush(30) == 0, "the broker did not take the triggers"


def _is_well(settings: Settings, name: str) -> bool:
    beat = beat_of(settings, name)
    return beat is not None and beat.state == "ok"


def _fed(variables: Mapping[str, str], folder: Path, load: Load) -> Told:
    told, between_s = folder / "told.json", 0.5 / load.firings
    seconds = load.seconds + 2 * scene.MOVERS * between_s
    words = [
        "benchmarks.stream.feed", "--rate", str(load.rate), "--seconds", str(seconds),
        "--warm", "0", "--symbols", "100", "--firing-every", str(between_s), "--told", str(told),
    ]  # fmt: skip
    with process(variables, folder / "feed.log", *words) as feed:
        wait_for("the feed to end", lambda: feed.poll() is not None, timeout_s=120 + 5 * load.seconds)
        assert feed.returncode == 0, f"the feed ended: {(folder / 'feed.log').read_text()[-3000:]}"
    return msgspec.json.decode(told.read_bytes(), type=Told)


def _started(settings: Settings, sent: Told) -> Started:
    """Wait for the last execution.

    Raises:
        AssertionError: one did not start, or is of no firing we caused.
    """
    engine, deadline = postgres.engine(settings), time.monotonic() + _LAST_S
    wanted = {(d.symbol, d.ts_ms) for d in sent.due}
    while True:
        found = _read(engine)
        if wanted <= found.keys() or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    engine.dispose()
    missing = wanted - found.keys()
    assert not missing, f"{len(missing)} of {len(wanted)} firings led to no execution that started"
    unexpected = found.keys() - wanted - {(d.symbol, d.ts_ms) for d in sent.early}
    assert not unexpected, f"{len(unexpected)} executions of no firing we caused"
    return found


def _read(engine: postgres.Engine) -> Started:
    table = pipeline_executions.c
    with engine.connect() as tx:
        rows = tx.execute(select(table.symbol, table.firing, table.started_at).where(table.started_at.is_not(None)))
        return {
            (symbol, int(str(firing["ts_ms"]))): int(started.timestamp() * 1e6) * 1_000
            for symbol, firing, started in rows
            if started is not None
        }


def _figures(ms: np.ndarray[tuple[int], np.dtype[np.float64]], where: str, firings: float) -> Generator[Figure]:
    p50, p99 = (float(x) for x in np.percentile(ms, [50, 99]))
    note = f"{len(ms)} executions, {firings:g} a second"
    yield Figure(f"{where}, to an execution started: p50", p50, "ms", note=note)
    yield Figure(f"{where}, to an execution started: p99", p99, "ms", note=f"longest {float(ms.max()):.1f} ms")
