"""The two Kafka clients as we use them, and the topics they need.

Flows use `assign()` with their own offsets; only the dispatcher joins a group. A broker that keeps its log in
memory comes back empty under a new cluster id: whoever stores offsets stores `cluster_id` beside them and
compares (see `bounds` for the other sign, a log shorter than the offset).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from core.errors import Unavailable
from core.observability import logger
from core.settings import Settings
from core.wire.topics import Topic, topics

_log = logger(__name__)
_COMMON = {
    "socket.timeout.ms": 10_000,
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    "allow.auto.create.topics": False,
    # A dead broker is reported through error_cb, once; not on stderr, in a format of its own.
    "log.connection.close": False,
    "log_level": 2,
}


def _quiet(error: KafkaError) -> None:
    if error.code() == KafkaError._ALL_BROKERS_DOWN:  # pyright: ignore[reportPrivateUsage]
        _log.warning("no Kafka broker answers, trying on")


def producer(
    settings: Settings, *, linger_ms: float = 0.0, compression: str = "none", buffer_kb: int = 1024 * 1024
) -> Producer:
    """Return a producer that never reorders within a partition, and never doubles where idempotence is on.

    Against a broker that came back empty and knows no producer an idempotent one may be refused for ever; one without
    idempotence goes on within a second. Such a broker is configured without: one request in flight keeps the order.

    Args:
        buffer_kb: What may wait to be sent; `produce` raises BufferError beyond.
    """
    in_flight = {} if settings.kafka_idempotence else {"max.in.flight.requests.per.connection": 1}
    return Producer(
        {
            "bootstrap.servers": settings.kafka_brokers,
            "client.id": socket.gethostname(),
            "enable.idempotence": settings.kafka_idempotence,
            **in_flight,
            "acks": "all",
            "linger.ms": linger_ms,
            "compression.type": compression,
            "message.timeout.ms": 30_000,
            "queue.buffering.max.kbytes": buffer_kb,
            "error_cb": _quiet,
            **{k: v for k, v in _COMMON.items() if k != "allow.auto.create.topics"},
        }
    )


def consumer(
    settings: Settings,
    *,
    group: str | None = None,
    from_start: bool = True,
    on_error: Callable[[KafkaError], None] | None = None,
) -> Consumer:
    """Return a consumer; without a group it is for `assign()` and never commits.

    Args:
        on_error: Told of every lost connection, from within `poll` and `consume`, before any message that
            was received after it.
    """

    def note(error: KafkaError) -> None:
        _quiet(error)
        if on_error is not None:
            on_error(error)

    own = {
        "group.id": settings.topic_prefix + (group or "unused"),
        "auto.offset.reset": "earliest" if from_start else "latest",
        "error_cb": note,
        # Said only to `on_error`: log_level keeps it off stderr.
        "log.connection.close": on_error is not None,
    }
    return _reader(settings, own)


def _reader(settings: Settings, own: Mapping[str, object]) -> Consumer:
    config = {
        **_COMMON,
        "bootstrap.servers": settings.kafka_brokers,
        "group.id": settings.topic_prefix + "unused",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 1_000,
        "enable.partition.eof": False,
        "error_cb": _quiet,
        **own,
    }
    return Consumer(config)  # pyright: ignore[reportArgumentType] - the stub leaves callbacks out of the values


def ensure_topics(settings: Settings, *, timeout_s: float = 10.0) -> None:
    """Create the topics that are missing; do nothing where all are there.

    Raises:
        Unavailable: no broker answered within the timeout.
    """
    admin = _admin(settings)
    present = _names(admin, timeout_s)
    missing = [t for t in topics(settings).all() if t.name not in present]
    if not missing:
        return
    created = cast(
        "dict[str, Future[None]]", admin.create_topics([_new_topic(t) for t in missing], request_timeout=timeout_s)
    )
    for name, future in created.items():
        try:
            future.result(timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Unavailable(f"topic {name!r} could not be created: {error.args[0].str()}") from None


def _admin(settings: Settings) -> AdminClient:
    # The stub leaves callbacks out of the values; librdkafka takes them.
    return AdminClient({"bootstrap.servers": settings.kafka_brokers, "error_cb": _quiet, "log_level": 0})  # pyright: ignore[reportArgumentType]


def _new_topic(topic: Topic) -> NewTopic:
    config = {"cleanup.policy": "compact"} if topic.compacted else {"retention.ms": str(topic.retention_ms)}
    return NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=1, config=config)


def _names(admin: AdminClient, timeout_s: float) -> set[str]:
    try:
        return set(admin.list_topics(timeout=timeout_s).topics)
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from None


def cluster_id(settings: Settings, *, timeout_s: float = 5.0) -> str:
    """Return the id of the cluster; a changed one means that the log was lost.

    Raises:
        Unavailable: no broker answered within the timeout.
    """
    return cluster_of(_admin(settings), timeout_s=timeout_s)


def cluster_of(client: AdminClient | Consumer, *, timeout_s: float = 5.0) -> str:
    """Ask the broker that a client is connected to for the id of its cluster, now.

    Raises:
        Unavailable: no broker answered within the timeout.
    """
    try:
        return str(client.list_topics(timeout=timeout_s).cluster_id)
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from None


def bounds(
    settings: Settings, wanted: Iterable[tuple[str, int]], *, timeout_s: float = 5.0
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the first offset held and the one after the last, of each (topic, partition).

    Compare before `assign()`: to an offset beyond the end some brokers answer nothing at all, and no error.

    Raises:
        Unavailable: the broker did not answer within the timeout.
    """
    reader = _reader(settings, {})
    try:
        return {
            where: reader.get_watermark_offsets(TopicPartition(*where), timeout=timeout_s, cached=False)
            for where in wanted
        }
    except KafkaException as error:
        raise Unavailable(f"Kafka: {error.args[0].str()}") from None
    finally:
        reader.close()


def values(messages: Sequence[Message]) -> list[Message]:
    """Keep the messages that are data; log an error message once and drop it."""
    kept: list[Message] = []
    for message in messages:
        error = message.error()
        if error is None:
            kept.append(message)
        elif error.code() != KafkaError._PARTITION_EOF:  # pyright: ignore[reportPrivateUsage]
            _log.warning("Kafka says", reason=error.str())
    return kept


DeliveryReport = Callable[[KafkaError | None, Message], None]
