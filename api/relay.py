"""The outbox relay: publishes what transactions left behind, in order, one process at a time.

At least once: it is killed between Kafka's answer and ours, and a message goes out again. Records carry ids and
versions that make a repeat harmless. A broker that lost its log gets every pipeline's trigger again.
"""

from __future__ import annotations

import threading

from confluent_kafka import KafkaException, Producer

from api.context import Context
from api.threads import make_thread
from core.clock import to_datetime
from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.store import outbox, pipelines
from core.store.outbox import Message
from core.wire import kafka

_log = logger(__name__)
POLL_S = 0.1
CLUSTER_CHECK_S = 2.0
STOP_S = 0.5
"""How long the end waits for a thread; what it had not published is there at the next start."""
_KEEP_MS = 86_400_000
_FLUSH_S = 10.0
_CLUSTER = "kafka_cluster_id"


class Relay:
    """A thread that relays until closed. A neighbour that is away makes it wait, never end."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._stopped = threading.Event()
        self._thread = make_thread("outbox-relay", self._run)
        self._producer: Producer | None = None
        self._checked_s = float("-inf")
        self.trouble = ""
        """What it waits for, as a sentence; empty while all is well."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)

    def _run(self) -> None:
        wait_s = POLL_S
        while not self._stopped.wait(wait_s):
            try:
                wait_s = 0.0 if self.relay_once() else POLL_S
                if self.trouble:
                    _log.info("outbox goes on")
                self.trouble = ""
            except Unavailable as error:
                if not self.trouble:
                    _log.warning("outbox waits", reason=str(error))
                self.trouble = str(error)
                wait_s = min(2.0, max(wait_s, POLL_S) * 2)

    def relay_once(self) -> int:
        """Publish what is there; return how many.

        Raises:
            Unavailable: Postgres or Kafka is away; nothing is lost.
        """
        self._notice_new_cluster()
        now = to_datetime(self._ctx.clock.now_ms())
        with self._ctx.postgres.begin() as tx:
            if not outbox.hold_relay(tx):
                return 0
            messages = outbox.unpublished(tx)
            if messages:
                self._publish(messages)
                outbox.mark_published(tx, [message.id for message in messages], now)
        return len(messages)

    def _notice_new_cluster(self) -> None:
        """Write every trigger again when the broker is not the one that was published to last."""
        now_s = self._ctx.clock.monotonic()
        if now_s - self._checked_s < CLUSTER_CHECK_S:
            return
        current = self._ctx.kafka.cluster(2)
        now = to_datetime(self._ctx.clock.now_ms())
        with self._ctx.postgres.begin() as tx:
            if outbox.hold_relay(tx) and outbox.remembered(tx, _CLUSTER) != current:
                kafka.ensure_topics(self._ctx.settings)
                sent = pipelines.send_all(tx, now)
                outbox.remember(tx, _CLUSTER, current)
                _log.info("new Kafka cluster, triggers are sent again", cluster=current, pipelines=sent)
            outbox.forget_published(tx, to_datetime(self._ctx.clock.now_ms() - _KEEP_MS))
        self._checked_s = now_s

    def _publish(self, messages: list[Message]) -> None:
        if self._producer is None:
            self._producer = kafka.producer(self._ctx.settings)
        failed: list[str] = []

        def report(error: object, _message: object) -> None:
            if error is not None:
                failed.append(str(error))

        try:
            for message in messages:
                self._producer.produce(
                    topic_name(self._ctx.settings, message.topic),
                    message.payload,
                    key=message.key.encode(),
                    on_delivery=report,
                )
            left = self._producer.flush(_FLUSH_S)
        except (KafkaException, BufferError) as error:
            left, failed = 1, [str(error)]
        if left or failed:
            # What was not confirmed may still go out: a new producer forgets it, the next round sends it again.
            self._producer.purge()
            self._producer = None
            raise Unavailable(f"Kafka: {failed[0] if failed else 'no answer'}")


def topic_name(settings: Settings, name: str) -> str:
    return settings.topic_prefix + name
