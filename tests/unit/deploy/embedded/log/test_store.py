"""The store bounds its memory by age and by size, and never forgets a compacted topic."""

from __future__ import annotations

import tracemalloc

import pytest

from deploy.embedded.log.partition import HOLDING, Refusal, Refused
from deploy.embedded.log.store import Store
from tests.kit.record_batches import record_batch

KEEPS = {"retention.ms": "1000"}


def test_old_records_go_and_later_ones_stay() -> None:
    store = Store(1 << 30)
    store.create("trades", 1, KEEPS)
    for ms in (100, 200, 5_000):
        store.append("trades", 0, record_batch(latest_ms=ms))
    store.expire(5_500)
    partition = store.partition("trades", 0)
    assert (partition.start, partition.end) == (2, 3)
    assert store.size == len(record_batch()) + HOLDING


def test_a_compacted_topic_keeps_everything() -> None:
    store = Store(1)
    store.create("triggers", 1, {"cleanup.policy": "compact", "retention.ms": "0"})
    for _ in range(3):
        store.append("triggers", 0, record_batch())
    store.expire(10**15)
    assert store.partition("triggers", 0).start == 0


def test_beyond_the_limit_the_largest_partition_gives_way() -> None:
    limit = 100_000
    store = Store(limit)
    store.create("trades", 2, KEEPS)
    store.create("firings", 1, KEEPS)
    store.append("firings", 0, record_batch())
    for _ in range(100):
        store.append("trades", 1, record_batch(payload=b"x" * 5_000))
        assert store.size <= limit
    assert store.partition("firings", 0).start == 0
    assert store.partition("trades", 1).start > 70
    assert store.size == sum(p.size for topic in store.topics.values() for p in topic.partitions)


@pytest.mark.parametrize("size", [100, 100_000])
def test_the_limit_is_one_of_memory(size: int) -> None:
    limit = 2_000_000
    store = Store(limit)
    store.create("trades", 2, KEEPS)
    tracemalloc.start()
    try:
        for n in range(4 * limit // size):
            store.append("trades", n % 2, record_batch(payload=bytes([n % 256]) * size))
        taken, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.5 * limit < taken <= most < 1.3 * limit


def test_one_batch_larger_than_the_limit_can_still_be_read() -> None:
    store = Store(10)
    store.create("trades", 1, KEEPS)
    store.append("trades", 0, record_batch())
    store.append("trades", 0, record_batch())
    partition = store.partition("trades", 0)
    assert (partition.start, partition.end) == (1, 2)


def test_a_deleted_topic_frees_what_it_held_and_what_was_committed_of_it() -> None:
    store = Store(1 << 30)
    store.create("trades", 1, KEEPS)
    store.append("trades", 0, record_batch())
    store.committed["group", "trades", 0] = 1
    store.delete("trades")
    assert (store.size, store.committed) == (0, {})
    with pytest.raises(Refused) as refused:
        store.partition("trades", 0)
    assert refused.value.code is Refusal.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize(("count", "code"), [(0, Refusal.INVALID_PARTITIONS), (1, Refusal.TOPIC_ALREADY_EXISTS)])
def test_a_topic_is_made_once_and_with_partitions(count: int, code: Refusal) -> None:
    store = Store(1)
    store.create("trades", 1, {})
    with pytest.raises(Refused) as refused:
        store.create("trades" if count else "other", count, {})
    assert refused.value.code is code
