"""Which symbols the feed is asked for: those of active pipelines, in the order they came, then the watch list."""

from __future__ import annotations

from dataclasses import dataclass, field

from confluent_kafka import Consumer, Message, TopicPartition

from core.errors import Malformed
from core.observability import logger
from core.settings import Settings
from core.wire import kafka
from core.wire.records import TriggerRecord, decode
from core.wire.topics import topics
from engine.condition import Session

_log = logger(__name__)


@dataclass(slots=True)
class _Wish:
    symbols: tuple[str, ...]
    session: Session
    is_active: bool = True


@dataclass(slots=True)
class Wishes:
    """Symbols wished for by pipelines; knows who waits when there are more than the key may have (T32).

    `refused` are the symbols that the feed does not know: asked for once, then left out.
    """

    watch: tuple[str, ...]
    limit: int
    refused: set[str] = field(default_factory=set[str])
    _by_pipeline: dict[str, _Wish] = field(default_factory=dict[str, _Wish])

    def take(self, pipeline_id: str, record: TriggerRecord | None) -> None:
        """Take one control record; None is the tombstone of a deleted pipeline."""
        known = self._by_pipeline.get(pipeline_id)
        if record is None or record.action == "remove":
            self._by_pipeline.pop(pipeline_id, None)
        elif record.action == "set":
            self._by_pipeline[pipeline_id] = _wish_of(record)
        elif known is not None:
            known.is_active = record.action == "resume"
        elif record.symbols:
            self._by_pipeline[pipeline_id] = _wish_of(record, is_active=record.action == "resume")

    def forget(self) -> None:
        self._by_pipeline.clear()

    def all(self) -> list[str]:
        """Return every symbol wished for, those that the feed does not know included."""
        of_pipelines = [s for wish in self._by_pipeline.values() if wish.is_active for s in wish.symbols]
        return list(dict.fromkeys([*of_pipelines, *self.watch]))

    def _known(self) -> list[str]:
        return [s for s in self.all() if s not in self.refused]

    def admitted(self) -> list[str]:
        return self._known()[: self.limit]

    def waiting(self) -> list[str]:
        """Symbols without a slot (`waiting_for_slot`)."""
        return self._known()[self.limit :]

    def sessions_of(self, symbol: str) -> tuple[Session, ...]:
        """Return the sessions whose candles somebody reads: always the regular one."""
        wishes = (w for w in self._by_pipeline.values() if w.is_active and symbol in w.symbols)
        return ("regular", "extended") if any(w.session == "extended" for w in wishes) else ("regular",)


def _wish_of(record: TriggerRecord, *, is_active: bool = True) -> _Wish:
    session: Session = "extended" if record.config.get("session") == "extended" else "regular"
    return _Wish(tuple(record.symbols), session, is_active)


class ControlReader:
    """Follows topic `triggers` from its beginning; `reopen` after the broker lost its log."""

    def __init__(self, settings: Settings, wishes: Wishes) -> None:
        self._settings = settings
        self._wishes = wishes
        self._topic = topics(settings).triggers.name
        self._consumer = self._open()

    def reopen(self) -> None:
        self._consumer.close()
        self._wishes.forget()
        self._consumer = self._open()

    def read(self) -> None:
        """Take what has arrived, without waiting."""
        for message in kafka.values(self._consumer.consume(500, 0.0)):
            self._take(message)

    def close(self) -> None:
        self._consumer.close()

    def _open(self) -> Consumer:
        consumer = kafka.consumer(self._settings)
        consumer.assign([TopicPartition(self._topic, 0, 0)])
        return consumer

    def _take(self, message: Message) -> None:
        key, value = message.key(), message.value()
        pipeline_id = key.decode(errors="replace") if isinstance(key, bytes) else str(key or "")
        try:
            record = decode(value, TriggerRecord) if value else None
        except Malformed as error:
            _log.warning("a control record cannot be read", pipeline=pipeline_id, reason=str(error))
            return
        self._wishes.take(pipeline_id, record)
