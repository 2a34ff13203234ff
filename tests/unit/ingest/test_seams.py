"""One series of several sources (T22)."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.wire.trades import History
from ingest.seams import joined, lacking

MINUTE = 60_000
INTERVALS = np.array([(k * MINUTE, (k + 1) * MINUTE) for k in range(12)], np.int64)
minutes = st.lists(st.integers(-2, 14), unique=True, max_size=12).map(sorted)


def part(source: str, starts: list[int]) -> History:
    """Return a candle for each minute, whose close says whose it is."""
    n = len(starts)
    close = [float(ord(source))] * n
    return History(
        symbol="A", session="regular", timeframe="1m", source=source, ts_ms=[k * MINUTE for k in starts], open=close,
        high=close, low=close, close=close, volume=[1.0] * n, vwap=close, trades=[1] * n,
    )  # fmt: skip


def test_T22_each_source_fills_what_those_before_lack_and_each_stretch_has_its_seam() -> None:
    parts = [part("a", [0, 1, 5, 6]), part("b", [1, 2, 3, 8]), part("c", [0, 3, 9])]
    a, b, c = joined(parts, INTERVALS, is_whole=True)
    assert [ts // MINUTE for ts in a.ts_ms] == [0, 1, 5, 6]
    assert [ts // MINUTE for ts in b.ts_ms] == [2, 3, 8]
    assert [ts // MINUTE for ts in c.ts_ms] == [9]
    assert [ms // MINUTE for ms in a.seam_ms] == [2, 2, 7, 7]
    assert [ms // MINUTE for ms in b.seam_ms] == [4, 4, 9]
    assert [ms // MINUTE for ms in c.seam_ms] == [10]


def test_a_source_that_adds_nothing_is_not_named() -> None:
    parts = [part("a", [0, 1]), part("b", [1])]
    assert [p.source for p in joined(parts, INTERVALS, is_whole=False)] == ["a"]
    assert not joined(parts, INTERVALS, is_whole=False)[0].is_whole


@given(st.lists(minutes, max_size=4))
def test_the_union_is_sorted_has_no_minute_twice_and_the_earlier_source_wins(given_: list[list[int]]) -> None:
    parts = [part("abcd"[n], starts) for n, starts in enumerate(given_)]
    found = joined(parts, INTERVALS, is_whole=True)
    wanted = set(INTERVALS[:, 0].tolist())
    first = {ts: p.source for p in reversed(parts) for ts in p.ts_ms if ts in wanted}
    assert {ts: p.source for p in found for ts in p.ts_ms} == first
    assert sum(len(p.ts_ms) for p in found) == len(first)
    for p in found:
        assert p.ts_ms == sorted(p.ts_ms)
        assert p.close == [float(ord(p.source))] * len(p.ts_ms)
        msgspec.convert(msgspec.to_builtins(p), History)
    missing = lacking(parts, INTERVALS)[:, 0].tolist()
    assert missing == sorted(wanted - set(first))


@given(st.lists(minutes, max_size=4))
def test_a_seam_is_the_end_of_the_last_candle_before_another_source(given_: list[list[int]]) -> None:
    parts = [part("abcd"[n], starts) for n, starts in enumerate(given_)]
    rows = sorted((ts, p.source, seam) for p in joined(parts, INTERVALS, is_whole=True)
                  for ts, seam in zip(p.ts_ms, p.seam_ms, strict=True))  # fmt: skip
    for (ts, source, seam), (_, next_source, next_seam) in pairwise(rows):
        assert seam == (next_seam if source == next_source else ts + MINUTE)
    if rows:
        assert rows[-1][2] == rows[-1][0] + MINUTE
