"""One partition of the tape and the engine that follows it.

The partition's own records and the places where controls took effect decide its whole state, so reading them
again from a checkpoint repeats it to the last firing, however the records are cut into polls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from core.errors import Malformed
from core.observability import logger
from core.wire.topics import partition_of
from core.wire.trades import History, Mark, Message, TradeFrame, decode
from dataflows.bulletin import Bulletin
from dataflows.checkpoint import Extent
from dataflows.control import Control, Known, TriggerBook
from dataflows.journal import Journal
from dataflows.pending import Pending, Told, heard_of
from dataflows.poll import LogRecord
from engine.candles import HistoryColumns
from engine.closed_candles import ClosedCandles
from engine.condition import TIMEFRAMES, Session, Timeframe
from engine.engine import Engine
from engine.output import Output
from engine.trades import Trades

_log = logger(__name__)


@dataclass(slots=True)
class Found:
    """What some records of a partition led to. `unreadable` are records nobody can read, and why."""

    output: Output = field(default_factory=Output)
    unreadable: list[tuple[LogRecord, Malformed]] = field(default_factory=list[tuple[LogRecord, Malformed]])
    touched: set[str] = field(default_factory=set[str])

    def add(self, output: Output) -> None:
        self.output.firings += output.firings
        self.output.suppressions += output.suppressions
        self.output.candles += output.candles
        self.touched.update(candle.symbol for candle in output.candles)


@dataclass(slots=True)
class Numbers:
    """`lost` counts records that the log had dropped before they were read."""

    lost: int = 0
    trades: int = 0
    unreadable: int = 0
    last_recv_ms: int = 0
    feed_ms: int = 0
    health: str = ""


class Partition:
    def __init__(
        self,
        number: int,
        partitions: int,
        engine: Engine,
        journal: Journal,
        *,
        trades_next: int | None = None,
        control_next: int | None = None,
        news_next: int | None = None,
        known: Iterable[Known] = (),
    ) -> None:
        self.number = number
        self.partitions = partitions
        self.engine = engine
        self.trades_next = trades_next
        self.book = TriggerBook(known)
        self.numbers = Numbers()
        self._control_next, self._news_next = control_next, news_next
        self._is_live = False
        self._health: tuple[str, Mapping[str, str]] = ("", {})
        self._symbols: dict[str, int] = {symbol: i for i, symbol in enumerate(engine.symbols)}
        self._journal = journal
        self._pending = Pending(journal.read())

    @property
    def control_next(self) -> int | None:
        """The first control record that has not taken effect."""
        first = self._pending.first_control
        return first if first is not None else self._control_next

    @property
    def news_next(self) -> int | None:
        """The first news record that has not taken effect."""
        first = self._pending.first_news
        return first if first is not None else self._news_next

    def begin_log(
        self, journal: Journal, *, trades_next: int | None, control_next: int | None, news_next: int | None = None
    ) -> None:
        """Go on in another log, or at another place: the engine stays as it is."""
        self.trades_next, self._control_next, self._news_next = trades_next, control_next, news_next
        self._is_live = False
        self._journal = journal
        self._pending = Pending(journal.read())

    def trim_journal(self, state: Extent) -> None:
        """Forget the places of what was heard, where a saved state holds its effect. Called from another thread."""
        journal = self._journal
        if state.cluster_id == journal.cluster_id:
            journal.trim(control=state.control_next, news=state.news_next)

    def take(self, records: Iterable[LogRecord], told: Iterable[Told], *, is_caught_up: bool) -> Found:
        """Let records, controls and news take effect.

        Args:
            told: Controls and news, each in the order of its topic; they take effect where `Pending` says.
            is_caught_up: Whether these records reach the end the log had when the reading began.
        """
        found = Found()
        for one in told:
            self._hear(one)
        if self._is_live:
            self._apply_pending(found)
        frames: list[TradeFrame] = []
        for record in records:
            try:
                message = decode(record.value or b"")
            except Malformed as problem:
                found.unreadable.append((record, problem))
                self.numbers.unreadable += 1
                continue
            finally:
                self._note_gap(record, frames, found)
                self.trades_next = record.offset + 1
            while self._pending and (due := self._pending.take_due(record.offset, _received(message))) is not None:
                self._play(frames, found)
                self._apply(due, found, before=record.offset)
            if isinstance(message, TradeFrame):
                frames.append(message)
                continue
            self._play(frames, found)
            if isinstance(message, Mark):
                self._mark(message, found)
            else:
                self._history(record, message, found)
        self._play(frames, found)
        if is_caught_up and not self._is_live:
            self._is_live = True
            self._apply_pending(found)
        return found

    def _hear(self, told: Told) -> None:
        """Let a thing wait for its place, unless it has taken effect already or is none of ours."""
        if isinstance(told, Control):
            if self._control_next is None or told.offset >= self._control_next:
                self._pending.add(told)
                self._control_next = told.offset + 1
        elif self._news_next is None or told.offset >= self._news_next:
            mine = told.part(self._is_mine)
            if mine is not None:
                self._pending.add(mine)
            self._news_next = told.offset + 1

    def _apply_pending(self, found: Found) -> None:
        while (told := self._pending.take()) is not None:
            self._apply(told, found, before=self.trades_next or 0)

    def _apply(self, told: Told, found: Found, *, before: int) -> None:
        if isinstance(told, Bulletin):
            self._journal.add(heard_of(told), before=before)
            found.add(self.engine.on_news(told.item))
            return
        changes = self.book.changes(told, self._is_mine)
        if not changes:
            return
        self._journal.add(heard_of(told), before=before)
        found.add(self.engine.apply(changes))
        for change in changes:
            if change.spec is not None:
                found.touched.update(change.spec.symbols)

    def _note_gap(self, record: LogRecord, frames: list[TradeFrame], found: Found) -> None:
        """Where records before this one are gone, do as after a feed that was down: what was true then proves nothing.

        Values are UNKNOWN up to the next mark, and begin with a baseline there (T2, T20). This happens at a place of
        the log, so a restart repeats it. Without any mark so far there is no feed to be down.
        """
        lost = record.offset - (record.offset if self.trades_next is None else self.trades_next)
        if lost <= 0:
            return
        self._play(frames, found)
        self.numbers.lost += lost
        _log.error("the log dropped records of the tape unread", partition=self.number, count=lost, at=record.offset)
        feed_ms = self.engine.feed_ms
        if feed_ms is not None:
            self._health = ("", {})
            found.touched.update(self.engine.symbols)
            found.add(self.engine.on_mark(feed_ms, recv_ms=self.numbers.last_recv_ms, health="disconnected"))

    def _is_mine(self, symbol: str) -> bool:
        return partition_of(symbol, self.partitions) == self.number

    def _play(self, frames: list[TradeFrame], found: Found) -> None:
        """Hand the frames gathered to the engine as one batch, and forget them."""
        if not frames:
            return
        trades = self._joined(frames)
        for frame in frames:
            found.touched.update(frame.symbols)
        frames.clear()
        if len(trades):
            self.numbers.trades += len(trades)
            self.numbers.last_recv_ms = int(trades.recv_ms[-1])
            found.add(self.engine.on_trades(trades))

    def _joined(self, frames: list[TradeFrame]) -> Trades:
        ids = [np.array([self._id_of(s) for s in f.symbols], np.int32)[f.symbol_index] for f in frames]
        if len(frames) == 1:
            f = frames[0]
            return Trades(ids[0], f.ts_ms, f.recv_ms, f.price, f.size, f.flags, f.codes)
        return Trades(
            np.concatenate(ids),
            np.concatenate([f.ts_ms for f in frames]),
            np.concatenate([f.recv_ms for f in frames]),
            np.concatenate([f.price for f in frames]),
            np.concatenate([f.size for f in frames]),
            np.concatenate([f.flags for f in frames]),
            np.concatenate([f.codes for f in frames]),
        )

    def _id_of(self, symbol: str) -> int:
        known = self._symbols.get(symbol)
        if known is None:
            known = self._symbols[symbol] = self.engine.symbol_id(symbol)
        return known

    def _mark(self, mark: Mark, found: Found) -> None:
        if (mark.health, mark.symbols) != self._health:
            self._health = (mark.health, mark.symbols)
            found.touched.update(self.engine.symbols)
        self.numbers.feed_ms, self.numbers.health = mark.feed_ms, mark.health
        self.numbers.last_recv_ms = mark.recv_ms
        found.add(
            self.engine.on_mark(
                mark.feed_ms,
                recv_ms=mark.recv_ms,
                health=mark.health,
                gap_ms=mark.gap_ms,
                symbol_health=cast("Mapping[str, str]", mark.symbols),
            )
        )

    def _history(self, record: LogRecord, history: History, found: Found) -> None:
        if history.timeframe not in TIMEFRAMES:
            found.unreadable.append((record, Malformed("history", f"timeframe {history.timeframe!r}")))
            self.numbers.unreadable += 1
            return
        columns = HistoryColumns(
            history.ts_ms, history.open, history.high, history.low, history.close, history.volume, history.vwap,
            history.trades, history.seam_ms,
        )  # fmt: skip
        timeframe: Timeframe = history.timeframe
        session: Session = history.session
        output = self.engine.on_history(
            history.symbol, session, timeframe, history.source, columns, is_whole=history.is_whole
        )
        if history.is_stored:
            output.candles = ClosedCandles()
        found.add(output)
        self._id_of(history.symbol)
        found.touched.add(history.symbol)


def _received(message: Message) -> int:
    """Return when a message was received, -1 where it does not say."""
    if isinstance(message, Mark):
        return message.recv_ms
    if isinstance(message, TradeFrame) and len(message):
        return int(message.recv_ms[0])
    return -1
