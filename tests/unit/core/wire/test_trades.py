from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.wire.trades import History, Mark, TradeFrame, decode, encode_history, encode_mark, encode_trades

_int64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def frames(draw: st.DrawFn) -> TradeFrame:
    symbols = tuple(draw(st.lists(st.text(max_size=20), min_size=1, max_size=5, unique=True)))
    n = draw(st.integers(0, 20))

    def column(values: st.SearchStrategy[int] | st.SearchStrategy[float], dtype: type[np.generic]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=dtype)

    return TradeFrame(
        symbols,
        column(st.integers(0, len(symbols) - 1), np.uint16),
        column(_int64, np.int64),
        column(_int64, np.int64),
        column(st.floats(), np.float64),
        column(st.floats(), np.float64),
        column(st.integers(0, 7), np.uint8),
        column(st.integers(0, 2**64 - 1), np.uint64),
    )


@given(frames())
def test_a_frame_decodes_to_what_was_encoded(frame: TradeFrame) -> None:
    decoded = decode(encode_trades(frame))
    assert isinstance(decoded, TradeFrame)
    assert decoded.symbols == frame.symbols
    for name in ("symbol_index", "ts_ms", "recv_ms", "price", "size", "flags", "codes"):
        np.testing.assert_array_equal(getattr(decoded, name), getattr(frame, name))


def test_marks_and_history_decode_to_what_was_encoded() -> None:
    mark = Mark(feed_ms=5, recv_ms=6, feed="simulator", health="stale", gap_ms=7, symbols={"AAPL": "halted"})
    history = History(
        symbol="AAPL", session="regular", timeframe="1m", source="finnhub", ts_ms=[0], open=[1.0], high=[2.0],
        low=[0.5], close=[1.5], volume=[10.0], vwap=[1.2], trades=[3],
    )  # fmt: skip
    assert decode(encode_mark(mark)) == mark
    assert decode(encode_history(history)) == history


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode(data)


@given(frames(), st.data())
def test_a_frame_cut_short_is_malformed_and_not_half_read(frame: TradeFrame, data: st.DataObject) -> None:
    whole = encode_trades(frame)
    cut = data.draw(st.integers(0, len(whole) - 1))
    if cut < len(whole):
        with pytest.raises(Malformed):
            decode(whole[:cut])
