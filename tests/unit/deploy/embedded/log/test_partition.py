"""A partition gives offsets, keeps batches as they came, and forgets from the front."""

from __future__ import annotations

import pytest

from deploy.embedded.log.partition import Partition, Refusal, Refused
from tests.kit.record_batches import offsets_of, record_batch

MUCH = 1 << 30


def test_batches_get_the_offsets_that_follow_each_other() -> None:
    partition = Partition()
    assert [partition.append(record_batch(n)) for n in (3, 1, 2)] == [0, 3, 4]
    assert offsets_of(partition.read(0, MUCH)) == [(0, 3), (3, 1), (4, 2)]
    assert (partition.start, partition.end) == (0, 6)


def test_several_batches_may_come_at_once() -> None:
    partition = Partition()
    assert partition.append(record_batch(2) + record_batch(5)) == 0
    assert offsets_of(partition.read(0, MUCH)) == [(0, 2), (2, 5)]


def test_what_lies_under_the_checksum_is_kept_to_the_bit() -> None:
    partition = Partition()
    partition.append(record_batch())
    sent = record_batch(payload=b"\x00\xff compressed or not")
    partition.append(sent)
    kept = partition.read(1, MUCH)
    assert kept[16:] == sent[16:]
    assert kept[8:12] == sent[8:12]


def test_reading_begins_with_the_batch_that_holds_the_offset() -> None:
    partition = Partition()
    for _ in range(4):
        partition.append(record_batch(10))
    assert offsets_of(partition.read(25, MUCH)) == [(20, 10), (30, 10)]


def test_a_read_gives_at_least_one_batch_and_no_more_than_asked_for() -> None:
    partition = Partition()
    for _ in range(4):
        partition.append(record_batch())
    size = len(record_batch())
    assert len(partition.read(0, 1)) == size
    assert len(partition.read(0, 2 * size)) == 2 * size
    assert partition.read(4, MUCH) == b""


def test_offsets_that_are_not_held_are_refused() -> None:
    partition = Partition()
    partition.append(record_batch())
    partition.append(record_batch())
    partition.drop_first()
    for offset in (0, 3, -1):
        with pytest.raises(Refused) as refused:
            partition.read(offset, MUCH)
        assert refused.value.code is Refusal.OFFSET_OUT_OF_RANGE


def test_dropping_to_the_last_batch_leaves_an_empty_log_that_goes_on() -> None:
    partition = Partition()
    for n in range(1, 8):
        partition.append(record_batch(n, latest_ms=n))
    partition.drop_before(5)
    assert offsets_of(partition.read(partition.start, MUCH)) == [(10, 5), (15, 6), (21, 7)]
    partition.drop_before(100)
    assert (partition.start, partition.end, partition.size) == (28, 28, 0)
    assert partition.append(record_batch()) == 28
    assert offsets_of(partition.read(28, MUCH)) == [(28, 1)]


def test_a_time_is_found_by_the_first_batch_that_reaches_it() -> None:
    partition = Partition()
    for n in (10, 20, 30):
        partition.append(record_batch(latest_ms=n))
    assert partition.since(15) == (1, 20)
    assert partition.since(31) == (-1, -1)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(record_batch()[:-1], id="cut short"),
        pytest.param(record_batch()[:30], id="cut in its head"),
        pytest.param(record_batch(0), id="no record"),
    ],
)
def test_what_is_no_batch_is_refused_and_leaves_nothing(broken: bytes) -> None:
    partition = Partition()
    with pytest.raises(Refused) as refused:
        partition.append(broken)
    assert refused.value.code is Refusal.CORRUPT_MESSAGE
    assert (partition.end, partition.size) == (0, 0)


def test_a_repeat_of_an_idempotent_producer_keeps_the_offset_it_has() -> None:
    partition = Partition()
    first = record_batch(3, producer=9, first=0)
    assert [partition.append(b) for b in (first, record_batch(2, producer=9, first=3), first)] == [0, 3, 0]
    assert partition.end == 5


def test_an_idempotent_producer_that_skips_a_number_is_refused() -> None:
    partition = Partition()
    partition.append(record_batch(3, producer=9, first=0))
    with pytest.raises(Refused) as refused:
        partition.append(record_batch(producer=9, first=4))
    assert refused.value.code is Refusal.OUT_OF_ORDER_SEQUENCE
    assert partition.append(record_batch(producer=9, first=3)) == 3


def test_a_producer_of_a_broker_before_this_one_goes_on_where_it_is() -> None:
    partition = Partition()
    assert partition.append(record_batch(producer=9, epoch=4, first=1_000)) == 0
    assert partition.append(record_batch(producer=9, epoch=4, first=1_001)) == 1


def test_an_older_epoch_of_a_producer_is_refused_and_a_newer_one_begins_anew() -> None:
    partition = Partition()
    partition.append(record_batch(producer=9, epoch=2, first=50))
    with pytest.raises(Refused) as refused:
        partition.append(record_batch(producer=9, epoch=1, first=51))
    assert refused.value.code is Refusal.INVALID_PRODUCER_EPOCH
    assert partition.append(record_batch(producer=9, epoch=3, first=0)) == 1


def test_sequence_numbers_begin_again_behind_the_largest() -> None:
    partition = Partition()
    partition.append(record_batch(2, producer=9, first=2**31 - 2))
    assert partition.append(record_batch(producer=9, first=0)) == 2


def test_each_append_tells_those_who_wait() -> None:
    partition, told = Partition(), list[int]()
    partition.on_arrival.add(lambda: told.append(partition.end))
    partition.append(record_batch(3) + record_batch(2))
    assert told == [5]
