"""One client that asks Kafka how it is: for the health, the relay and the live feed alike."""

from __future__ import annotations

import threading

from confluent_kafka import Consumer

from core.settings import Settings
from core.wire import kafka


class KafkaWatch:
    """Made when first asked; threads share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Consumer | None = None

    def cluster(self, timeout_s: float) -> str:
        """Return the id of the cluster; a changed one means that the log was lost.

        Raises:
            Unavailable: no broker answered within the timeout.
        """
        with self._lock:
            if self._client is None:
                self._client = kafka.consumer(self._settings)
            client = self._client
        return kafka.cluster_of(client, timeout_s=timeout_s)

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
