"""Reading the log: all trade partitions of a process, controls and news; these two to their end first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Message

from core.clock import Clock
from core.observability import logger
from core.settings import Settings
from core.wire.position import LogLost, start_of
from core.wire.sure_reader import SureReader
from core.wire.topics import topics
from dataflows.poll import LogRecord, Poll
from dataflows.progress import Unread

_log = logger(__name__)
_BLOCK_S = 0.005


@dataclass(frozen=True, slots=True)
class Positions:
    """The next offsets to read of one log; `trades` by partition. None or absent is the beginning."""

    cluster_id: str
    control: int | None
    news: int | None
    trades: Mapping[int, int]


class LogReader:
    """Not shared between threads. `read` waits at most 5 ms for the first record."""

    def __init__(self, settings: Settings, positions: Positions, partitions: Sequence[int], clock: Clock) -> None:
        """Connect, and begin where the positions say.

        Raises:
            Unavailable: the broker does not answer.
            LogLost: the positions are of another log.
        """
        names = topics(settings)
        self._trades, self._control, self._news = names.trades.name, (names.triggers.name, 0), (names.news.name, 0)
        places = [self._control, self._news, *((self._trades, p) for p in partitions)]
        self._reader = SureReader(settings, positions.cluster_id, places, clock, group="market")
        self._reads_trades = False
        try:
            self._heard = {
                self._control: self._start(self._control, positions.control),
                self._news: self._start(self._news, positions.news),
            }
            self._next = {p: self._start((self._trades, p), positions.trades.get(p)) for p in partitions}
        except LogLost:
            self._reader.close()
            raise
        self._reader.assign(self._heard)

    @property
    def is_away(self) -> bool:
        """Whether the broker does not answer."""
        return self._reader.is_away

    @property
    def is_complete(self) -> bool:
        """Whether controls and news have been read to their end, so that trades are read too."""
        return self._reads_trades

    def read(self) -> Poll:
        """Return what has arrived; empty where nothing has.

        Raises:
            LogLost: the broker came back with another log.
        """
        is_heard = all(offset >= self._reader.bounds[place][1] for place, offset in self._heard.items())
        if not self._reads_trades and is_heard:
            self._reads_trades = True
            trades = {(self._trades, p): offset for p, offset in self._next.items()}
            self._reader.assign({**self._heard, **trades})
        poll = Poll()
        for message in self._reader.read(_BLOCK_S):
            self._take(message, poll)
        poll.caught_up = self._caught_up()
        return poll

    def unread(self) -> dict[int, Unread]:
        """Return where each trade partition is read, and how much lies unread, as far as the client knows."""
        return {
            p: Unread(offset, max(0, self._reader.end((self._trades, p)) - offset)) for p, offset in self._next.items()
        }

    def unread_news(self) -> int:
        """Return how many news records lie unread, as far as the client knows."""
        return max(0, self._reader.end(self._news) - self._heard[self._news])

    def close(self) -> None:
        self._reader.close()

    def _take(self, message: Message, poll: Poll) -> None:
        offset, partition = message.offset(), message.partition()
        if offset is None or partition is None:
            return
        record = LogRecord(offset, message.key(), message.value())
        topic = message.topic()
        if topic == self._control[0]:
            poll.control.append(record)
            self._heard[self._control] = offset + 1
        elif topic == self._news[0]:
            poll.news.append(record)
            self._heard[self._news] = offset + 1
        else:
            poll.trades.setdefault(partition, []).append(record)
            self._next[partition] = offset + 1

    def _caught_up(self) -> frozenset[int]:
        if not self._reads_trades:
            return frozenset()
        return frozenset(p for p, offset in self._next.items() if offset >= self._reader.bounds[self._trades, p][1])

    def _start(self, place: tuple[str, int], stored: int | None) -> int:
        start = start_of(stored, *self._reader.bounds[place])
        if start.skipped:
            _log.warning("the log has dropped records unread", topic=place[0], partition=place[1], count=start.skipped)
        return start.offset
