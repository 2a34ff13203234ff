from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from engine.sessions import Calendars
from ingest.frames import Print, read_frame, read_prints
from ingest.normaliser import FrameMemory, Normaliser, Row
from tests.kit.data import data_file


def recorded() -> list[str]:
    return [json.loads(line)["raw"] for line in data_file("fixtures/finnhub/ws_frames.jsonl").read_text().splitlines()]


def test_every_recorded_frame_is_decoded_as_json_reads_it() -> None:
    seen = 0
    for text in recorded():
        frame, plain = read_frame(text), json.loads(text)
        assert frame.type == plain["type"]
        if frame.type == "error":
            assert frame.msg == plain["msg"]
        if frame.type == "trade":
            prints, bad = read_prints(frame.data)
            assert not bad
            assert [(p.s, p.p, p.t, p.v, p.c) for p in prints] == [
                (d["s"], d["p"], d["t"], d["v"], d.get("c")) for d in plain["data"]
            ]
            seen += len(prints)
    assert seen == 114


def test_T15_recorded_prints_set_the_price_as_measured() -> None:
    """Of 81 regular-hours equity prints 20 set a price, of 17 extended ones all."""
    normaliser = Normaliser(Calendars())
    regular: list[int] = []
    extended: list[int] = []
    for text in recorded():
        frame = read_frame(text)
        if frame.type != "trade":
            continue
        for given_print in read_prints(frame.data)[0]:
            if ":" in given_print.s:
                continue
            row = normaliser.row(given_print, recv_ms=0, feed_ms=given_print.t)
            assert isinstance(row, Row)
            is_extended = "24" in (given_print.c or [])
            (extended if is_extended else regular).append(row.flags & 1)
    assert (sum(regular), len(regular)) == (20, 81)
    assert (sum(extended), len(extended)) == (17, 17)


def test_one_unreadable_trade_does_not_take_its_frame_with_it() -> None:
    text = '{"type":"trade","data":[{"s":"A","p":1,"t":2,"v":3},{"s":"A","p":"x"},{"s":"B","p":4,"t":5,"v":0}]}'
    good, bad = read_prints(read_frame(text).data)
    assert [p.s for p in good] == ["A", "B"]
    assert len(bad) == 1


@given(st.one_of(st.text(), st.binary()))
def test_no_text_crashes_the_reader(text: str | bytes) -> None:
    with contextlib.suppress(Malformed):
        read_prints(read_frame(text).data)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Print("A", float("nan"), 1), "bad_price"),
        (Print("A", -1.0, 1), "bad_price"),
        (Print("A", 0.0, 1), "bad_price"),
        (Print("A", 1.0, 1, -1.0), "bad_size"),
        (Print("A", 1.0, 1, float("inf")), "bad_size"),
        (Print("A", 1.0, 0), "bad_time"),
        (Print("", 1.0, 1), "bad_symbol"),
        (Print("A" * 10_000, 1.0, 1), "bad_symbol"),
        (Print("A", 1.0, 161_001), "future"),
    ],
)
def test_a_trade_that_cannot_be_one_is_counted_by_its_reason(bad: Print, reason: str) -> None:
    normaliser = Normaliser(Calendars())
    assert normaliser.row(bad, recv_ms=0, feed_ms=101_000) == reason
    assert normaliser.counts[reason] == 1


def test_T24_a_trade_up_to_a_minute_ahead_of_feed_time_is_taken() -> None:
    assert isinstance(Normaliser(Calendars()).row(Print("X:A", 1.0, 161_000), recv_ms=0, feed_ms=101_000), Row)


def test_T25_a_repeated_frame_is_a_duplicate_for_five_seconds() -> None:
    memory = FrameMemory()
    assert not memory.is_repeat("frame", 1_000)
    assert memory.is_repeat("frame", 5_999)
    assert not memory.is_repeat("other", 6_000)
    assert not memory.is_repeat("frame", 6_001)
