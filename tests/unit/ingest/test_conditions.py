from __future__ import annotations

import pytest

from ingest.conditions import ALL, FLAGS, HIGH_LOW_AND_VOLUME, NOTHING, VOLUME, bits_of, flags_of


@pytest.mark.parametrize("code", sorted(FLAGS))
def test_T15_each_code_alone_has_the_flags_of_the_table(code: int) -> None:
    assert flags_of([code], in_regular_hours=True) == FLAGS[code]


def test_T15_no_codes_set_everything() -> None:
    assert flags_of([], in_regular_hours=True) == ALL


def test_T15_codes_combine_by_and() -> None:
    assert flags_of([1, 9], in_regular_hours=True) == HIGH_LOW_AND_VOLUME
    assert flags_of([9, 12], in_regular_hours=True) == VOLUME
    assert flags_of([1, 16], in_regular_hours=True) == NOTHING


def test_T15_an_odd_lot_sets_the_price_in_extended_hours_only() -> None:
    assert flags_of([1, 12], in_regular_hours=True) == VOLUME
    assert flags_of([1, 24, 12], in_regular_hours=False) == ALL
    assert flags_of([1, 24, 12], in_regular_hours=False, odd_lots="never") == VOLUME
    assert flags_of([1, 12], in_regular_hours=True, odd_lots="always") == ALL


def test_T15_form_t_in_regular_hours_counts_in_volume_only() -> None:
    assert flags_of([1, 24], in_regular_hours=True) == VOLUME


def test_T15_an_unknown_code_counts_in_volume_only_and_is_marked() -> None:
    assert flags_of([1, 61], in_regular_hours=True) == VOLUME
    assert bits_of([1, 61]) == (1 << 63) | 2
