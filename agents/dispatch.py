"""The dispatcher, `python -m agents.dispatch`: from topic `firings` to executions that wait for a worker.

A firing's offset is committed after it is decided, so one may come again, and is then known. A broker that comes
back without its log has a new cluster id and is read from its start: old firings are known, new ones go through.
The topic has one partition and is read without joining the group, so a successor begins at once.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from confluent_kafka import Message, Producer

from agents.admission import Admission, Verdict
from agents.queue import TaskQueue
from agents.teller import Teller
from core import observability
from core.clock import Clock, SystemClock
from core.errors import ConfigError, Malformed, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings, load
from core.store import postgres
from core.wire.kafka import producer
from core.wire.losses import Losses
from core.wire.position import LogLost, start_of
from core.wire.records import DeadLetter, Firing, decode, encode
from core.wire.sure_reader import Place, SureReader, open_log
from core.wire.topics import topics

PROCESS = "dispatcher"
GROUP = "dispatcher"
_POLL_S = 0.2
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0)
_log = logger(__name__)


@dataclass(slots=True)
class Counts:
    executions: int = 0
    suppressions: int = 0
    malformed: int = 0


class Dispatcher:
    def __init__(self, settings: Settings, clock: Clock, heartbeat: Heartbeat, stopped: threading.Event) -> None:
        self._settings = settings
        self._clock = clock
        self._heartbeat = heartbeat
        self._stopped = stopped
        self._topics = topics(settings)
        self._place: Place = (self._topics.firings.name, 0)
        self._admission = Admission(postgres.engine(settings, pool_size=2), settings, clock)
        self._queue = TaskQueue(settings)
        self._teller = Teller(settings)
        self._dead_letters: Producer = producer(settings)
        self._counts = Counts()
        self._losses = Losses(clock)
        self._next = 0

    def run(self) -> None:
        """Consume until stopped; each round is one life of the broker's log."""
        while not self._stopped.is_set():
            try:
                known = open_log(self._settings)
                reader = SureReader(self._settings, known, [self._place], self._clock, group=f"{GROUP}-{known}")
            except (Unavailable, LogLost) as error:
                self._wait(str(error))
                continue
            try:
                self._consume(reader)
            except Unavailable as error:
                self._wait(str(error))
            except LogLost as error:
                _log.warning("reading the broker's log from its start", reason=str(error))
            finally:
                reader.close()
        self._teller.close()
        self._dead_letters.flush(1.0)

    def _wait(self, reason: str) -> None:
        self._heartbeat.report("waiting", reason)
        self._stopped.wait(0.5)

    def _consume(self, reader: SureReader) -> None:
        """Consume until stopped.

        Raises:
            Unavailable: the broker did not say where to begin.
            LogLost: the broker's log is another one.
        """
        place = self._place
        start = start_of(reader.committed([place]).get(place), *reader.bounds[place])
        self._lose(start.skipped)
        self._next = start.offset
        reader.assign({place: start.offset})
        while not self._stopped.is_set():
            messages = reader.read(_POLL_S)
            if reader.is_away:
                self._heartbeat.report("waiting", "Kafka does not answer")
                continue
            decided = self._decide_all(messages)
            if decided is not None and not reader.commit({place: decided + 1}):
                # They come again and are known then.
                _log.info("offset not committed", offset=decided)
            self._report(lag=reader.end(place) - self._next)

    def _decide_all(self, messages: Sequence[Message]) -> int | None:
        """Deal with these messages; return the offset of the last one decided, None where none was."""
        decided: int | None = None
        for message in messages:
            offset = message.offset() or 0
            self._lose(offset - self._next)
            self._next = offset
            if not self._decide(message):
                break
            self._next, decided = offset + 1, offset
        return decided

    def _lose(self, records: int) -> None:
        """Note that the log has let go of firings nobody has decided about."""
        if records > 0:
            self._losses.add(records)
            _log.error("the log dropped firings undecided", count=records)

    def _decide(self, message: Message) -> bool:
        """Deal with one message for good; wait for Postgres as long as it takes. Return False when stopped before."""
        try:
            firing = read(message.value() or b"")
        except Malformed as error:
            self._bury(message, error)
            return True
        for attempt in range(sys.maxsize):
            try:
                self._carry_out(firing, self._admission.admit(firing))
            except Unavailable as error:
                self._heartbeat.report("waiting", str(error))
                if self._stopped.wait(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]):
                    break
            else:
                return True
        return False

    def _carry_out(self, firing: Firing, verdict: Verdict) -> None:
        if verdict.is_known:
            return
        if verdict.execution_id is not None:
            self._queue.send(verdict.execution_id)
        self._teller.events(list(verdict.told))
        for suppression in verdict.suppressions:
            self._teller.suppression(suppression)
        self._counts.suppressions += len(verdict.suppressions)
        own = next((s.reason for s in verdict.suppressions if s.firing.firing_id == firing.firing_id), None)
        if own is None:
            self._counts.executions += 1
        _log.info(
            "firing suppressed" if own else "firing became an execution",
            symbol=firing.symbol,
            pipeline=firing.pipeline_id,
            execution=str(verdict.execution_id or ""),
            firing=firing.firing_id,
            reason=own or "",
        )

    def _bury(self, message: Message, error: Malformed) -> None:
        original = message.value() or b""
        letter = DeadLetter(
            source=self._topics.firings.name,
            reason=error.reason,
            detail=error.detail,
            at_ms=self._clock.now_ms(),
            original=original,
        )
        self._dead_letters.produce(self._topics.dead_letters.name, value=encode(letter))
        self._dead_letters.poll(0)
        self._counts.malformed += 1
        _log.warning("a firing cannot be read", reason=error.reason, detail=error.detail)

    def _report(self, *, lag: int) -> None:
        problem = self._losses.problem("those firings became no executions")
        self._heartbeat.report(
            "degraded" if problem else "ok",
            problem or "reading firings",
            lag=max(0, lag),
            lost=self._losses.total,
            executions=self._counts.executions,
            suppressions=self._counts.suppressions,
            malformed=self._counts.malformed,
        )


def read(data: bytes) -> Firing:
    """Read a firing that can be stored.

    Raises:
        Malformed: it cannot; one that only Postgres refused would come again for ever.
    """
    if b"\\u0000" in data:
        raise Malformed("bad_value", "a text with NUL")
    firing = decode(data, Firing)
    try:
        for text in (firing.firing_id, firing.pipeline_id):
            UUID(text)
    except ValueError:
        raise Malformed("bad_record", f"ids {firing.firing_id!r}, {firing.pipeline_id!r}: not UUIDs") from None
    return firing


def main() -> int:
    try:
        settings = load()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    observability.start(PROCESS, settings)
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    heartbeat = Heartbeat(PROCESS, settings).start()
    try:
        Dispatcher(settings, SystemClock(), heartbeat, stopped).run()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        heartbeat.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
