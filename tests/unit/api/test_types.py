"""Numbers as texts, cursors, and the pipelines that no database can hold."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from api.definition import read
from api.types import decode_cursor, decode_key, encode_cursor, encode_key, plain
from core.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.0021000000", "0.0021"), ("0E-10", "0"), ("100", "100"), ("100000.0000000000", "100000"), ("-1.50", "-1.5"),
     ("1E+3", "1000"), ("0.0000000001", "0.0000000001")],
)  # fmt: skip
def test_a_decimal_is_a_text_without_exponent_and_trailing_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10))
def test_the_text_is_the_same_number(value: Decimal) -> None:
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_is_read_back(at: datetime, item_id: UUID) -> None:
    assert decode_cursor(encode_cursor(at, item_id)) == (at, item_id)


@given(st.text(max_size=60))
def test_no_text_crashes_the_reader_of_cursors(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        first, second = decode_key(text)
        assert decode_key(encode_key(first, second)) == (first, second)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"name": "a\x00"}, "name"),
        ({"nodes": [{"config": {"x": [1, "\udc00"]}}]}, "nodes[0].config.x[1]"),
        ({"settings": {"a": float("inf")}}, "settings.a"),
        ({"settings": {"a": 10**30}}, "settings.a"),
        ({"no\x00de": 1}, ""),
    ],
)
def test_what_no_database_can_hold_is_named_with_its_path(data: dict[str, JsonValue], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(data, uuid4())
    assert path in [problem.path for problem in refused.value.problems]
