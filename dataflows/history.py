"""The cost flow's logic: records of six topics become rows of six tables, offsets follow once they are there.
Trades do so too where they are to be kept.

Kafka itself is the buffer: while ClickHouse (or Postgres) is away nothing is committed and nothing more is read.
Repeated rows replace themselves, so reading again is harmless.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import polars as pl
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import Message

from core.clock import Clock
from core.errors import Malformed, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings
from core.store.clickhouse.client import ClickHouse
from core.store.clickhouse.spill import make_batch
from core.store.execution_history import rows_of
from core.store.postgres import Engine
from core.wire.losses import Losses
from core.wire.position import LogLost, Start, start_of
from core.wire.records import CostRecord, DeadLetter, EventRecord, FeedHealthRecord, NewsRecord, decode, encode
from core.wire.sure_reader import Place, SureReader
from core.wire.topics import topics
from core.wire.trades import TradeFrame
from core.wire.trades import decode as decode_trades
from dataflows.history_rows import (
    COSTS,
    EXECUTIONS,
    FEED_HEALTH,
    FIRINGS,
    NEWS,
    SUPPRESSIONS,
    Row,
    cost_row,
    execution_row,
    feed_health_row,
    firing_row,
    news_row,
    suppression_row,
)
from dataflows.outgoing import Outgoing
from dataflows.publisher import Publisher
from dataflows.tape_rows import batch_of, tape_rows
from engine.firing import Firing, Suppression

_log = logger(__name__)
_T = TypeVar("_T")
_GATHER_S = 0.25
_MOST = 2_000
_AGAIN_S = 0.5
_LONGEST_AGAIN_S = 5.0
_CONFIRM_S = 10.0


@dataclass(slots=True)
class Rows:
    """Rows by table, executions by id only; `next` are the offsets to commit once all of it is stored."""

    costs: list[Row] = field(default_factory=list[Row])
    firings: list[Row] = field(default_factory=list[Row])
    suppressions: list[Row] = field(default_factory=list[Row])
    news: list[Row] = field(default_factory=list[Row])
    feed_health: list[Row] = field(default_factory=list[Row])
    executions: set[UUID] = field(default_factory=set[UUID])
    tape: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    unreadable: list[Outgoing] = field(default_factory=list[Outgoing])
    next: dict[Place, int] = field(default_factory=dict[Place, int])

    def __len__(self) -> int:
        lists = (self.costs, self.firings, self.suppressions, self.news, self.feed_health)
        return sum(map(len, lists)) + sum(map(len, self.tape)) + len(self.executions)


class HistoryStream:
    """Read, sort, write over one log; `read` returns None at the end, and `ended` says why."""

    def __init__(
        self,
        settings: Settings,
        cluster_id: str,
        *,
        clickhouse: ClickHouse,
        postgres: Engine,
        publisher: Publisher,
        heartbeat: Heartbeat,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        """Connect, and begin after what this group has committed.

        Raises:
            Unavailable: the broker does not answer.
            LogLost: it is another log already.
        """
        names = topics(settings)
        self._sorters: dict[str, Callable[[bytes, Rows], None]] = {
            names.costs.name: lambda data, rows: rows.costs.append(cost_row(decode(data, CostRecord))),
            names.firings.name: lambda data, rows: rows.firings.append(firing_row(decode(data, Firing))),
            names.suppressions.name: lambda data, rows: rows.suppressions.append(
                suppression_row(decode(data, Suppression))
            ),
            names.news.name: lambda data, rows: rows.news.append(news_row(decode(data, NewsRecord))),
            names.feed_health.name: lambda data, rows: rows.feed_health.append(
                feed_health_row(decode(data, FeedHealthRecord))
            ),
            names.events.name: _note_execution,
        }
        self._trades, self._feed = names.trades.name, settings.feed_name
        self._clickhouse = clickhouse
        self._postgres = postgres
        self._publisher = publisher
        self._heartbeat = heartbeat
        self._clock = clock
        self._stop = stop
        self._written = 0
        self._unreadable = 0
        self._losses = Losses(clock)
        self.ended: LogLost | str = ""
        places = [(name, 0) for name in self._sorters]
        if settings.keep_trades:
            places += [(self._trades, partition) for partition in range(settings.trades_partitions)]
        self._reader = SureReader(settings, cluster_id, places, clock, group="costs")
        try:
            self._next = self._starts(places)
        except Unavailable:
            self._reader.close()
            raise
        self._reader.assign(self._next)

    def read(self) -> list[Message] | None:
        """Return what has arrived within a quarter of a second."""
        if self._stop.is_set() or self.ended:
            return None
        try:
            messages = self._reader.read(_GATHER_S, most=_MOST)
        except LogLost as error:
            self.ended = error
            return None
        self._report()
        return messages

    def sort(self, messages: Sequence[Message]) -> Rows:
        """Return the rows of these records; what nobody can read goes to the dead letters."""
        rows = Rows()
        for message in messages:
            topic, partition, offset, data = message.topic(), message.partition(), message.offset(), message.value()
            if topic is None or partition is None or offset is None:
                continue
            rows.next[topic, partition] = offset + 1
            if data is None:
                continue
            if topic == self._trades:
                self._sort_trades(data, offset, rows)
                continue
            try:
                self._sorters[topic](data, rows)
            except Malformed as problem:
                self._unreadable += 1
                letter = DeadLetter(
                    source=f"{topic}@{offset}",
                    reason=problem.reason,
                    detail=problem.detail,
                    at_ms=self._clock.now_ms(),
                    original=data,
                )
                rows.unreadable.append(Outgoing("dead_letters", b"", encode(letter), letter.at_ms))
        return rows

    def _sort_trades(self, data: bytes, offset: int, rows: Rows) -> None:
        try:
            message = decode_trades(data)
        except Malformed:
            return  # the market flow, which must read it, says so
        if isinstance(message, TradeFrame) and len(message):
            rows.tape.append(tape_rows(message, self._feed, offset))

    def write(self, rows: Rows) -> None:
        """Store the rows, however long it takes, then commit; a wish to stop leaves them for the next start."""
        again_s = _AGAIN_S
        while not self._stop.is_set():
            try:
                self._store(rows)
            except Unavailable as error:
                self._heartbeat.report("waiting", f"{error}; costs, firings and news wait in the log")
                self._stop.wait(again_s)
                again_s = min(_LONGEST_AGAIN_S, 2 * again_s)
                continue
            self._publisher.send(rows.unreadable)
            if rows.unreadable and not self._publisher.flush(_CONFIRM_S):
                self.ended = f"dead letters are not confirmed: {self._publisher.failure}"
                self._stop.wait(_AGAIN_S)
                return
            self._next.update(rows.next)
            if rows.next and not self._reader.commit(rows.next):
                _log.warning("offsets not committed; the next start reads a little again")
            self._written += len(rows)
            return

    def close(self) -> None:
        self._reader.close()

    def _store(self, rows: Rows) -> None:
        self._insert("costs", COSTS, rows.costs)
        self._insert("firings", FIRINGS, rows.firings)
        self._insert("suppressions", SUPPRESSIONS, rows.suppressions)
        self._insert("news", NEWS, rows.news)
        self._insert("feed_health", FEED_HEALTH, rows.feed_health)
        if rows.tape:
            table, token = batch_of(rows.tape)
            self._clickhouse.insert_frame("trades_tape", table, token=token)
        if rows.executions:
            with self._postgres.begin() as tx:
                found = rows_of(tx, rows.executions)
            self._insert("executions", EXECUTIONS, [execution_row(e) for e in found])

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if not rows:
            return
        batch = make_batch(columns, rows)
        try:
            self._clickhouse.insert(table, batch.names, batch.columns, by_column=True, token=batch.token)
        except ClickHouseError as error:
            if len(rows) == 1:
                # It stays in the topic and in Postgres; holding up all that follows would help nobody.
                _log.error("a row of history is refused", table=table, row=str(rows[0])[:300], reason=str(error)[:300])
                return
            half = len(rows) // 2
            self._insert(table, columns, rows[:half])
            self._insert(table, columns, rows[half:])

    def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        stored: Mapping[Place, int] = self._reader.committed(places)
        starts: dict[Place, int] = {}
        for place in places:
            low, high = self._reader.bounds[place]
            try:
                start = start_of(stored.get(place), low, high)
            except LogLost:
                start = Start(low)
            if start.skipped:
                self._losses.add(start.skipped)
                _log.error("the log dropped records unread", topic=place[0], count=start.skipped)
            starts[place] = start.offset
        return starts

    def _report(self) -> None:
        lag = sum(max(0, self._reader.end(place) - offset) for place, offset in self._next.items())
        numbers = {"lag": float(lag), "rows": float(self._written), "unreadable": float(self._unreadable)}
        numbers["lost"] = float(self._losses.total)
        if self._reader.is_away:
            self._heartbeat.report("waiting", "Kafka is away; history is written on when it is back", **numbers)
        elif problem := self._losses.problem("the history does not have them"):
            self._heartbeat.report("degraded", problem, **numbers)
        else:
            self._heartbeat.report(
                "ok", "writing costs, firings, executions, news and feed health to the history", **numbers
            )


def _note_execution(data: bytes, rows: Rows) -> None:
    event = decode(data, EventRecord)
    if event.execution_id is None:
        return
    try:
        rows.executions.add(UUID(event.execution_id))
    except ValueError:
        raise Malformed("bad_record", f"execution_id {event.execution_id!r} is no UUID") from None
