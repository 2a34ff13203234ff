from __future__ import annotations

import pytest

from core.wire.position import LogLost, Start, start_of


def test_without_an_offset_reading_begins_at_the_first_record_held() -> None:
    assert start_of(None, 7, 20) == Start(7)


def test_an_offset_inside_the_log_or_at_its_end_is_where_reading_goes_on() -> None:
    assert start_of(12, 7, 20) == Start(12)
    assert start_of(20, 7, 20) == Start(20)


def test_records_that_the_log_has_dropped_unread_are_counted() -> None:
    assert start_of(3, 7, 20) == Start(7, skipped=4)


def test_an_offset_beyond_the_end_means_that_the_log_was_lost() -> None:
    with pytest.raises(LogLost, match="ends at 20, the stored offset is 21"):
        start_of(21, 7, 20)
