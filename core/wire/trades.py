"""The codec of topic `trades`: packed little-endian columns; decoding is `np.frombuffer`, not a loop.

Every message begins with a version byte and a kind byte. A TradeFrame then holds, in this order:

    u16 symbols   u32 trades   per symbol: u16 length, utf-8 bytes   zero bytes up to a multiple of 8
    ts_ms i64[n]  recv_ms i64[n]  price f64[n]  size f64[n]  codes u64[n]  symbol_index u16[n]  flags u8[n]

Marks and History are rare and small: msgpack after the two bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import Malformed

VERSION = 1
KIND_TRADES, KIND_MARK, KIND_HISTORY = 1, 2, 3
_HEAD = struct.Struct("<BBHI")
_LENGTH = struct.Struct("<H")
_BYTES_A_TRADE = 5 * 8 + 2 + 1

FeedHealth = Literal["live", "quiet", "stale", "disconnected", "halted", "closed"]


@dataclass(frozen=True, slots=True, eq=False)
class TradeFrame:
    """Trades of one partition in log order. `symbol_index` points into `symbols`; columns as `engine.Trades`."""

    symbols: tuple[str, ...]
    symbol_index: NDArray[np.uint16]
    ts_ms: NDArray[np.int64]
    recv_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    flags: NDArray[np.uint8]
    codes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.ts_ms)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """T24: a recorded statement of feed time and feed health, in order with the trades of its partition.

    feed_ms  feed time: the receipt clock of a live feed, the player's clock of a recorded or simulated one
    recv_ms  wall clock of ingest
    gap_ms   how long the feed has been away, 0 while it is there
    symbols  the state of those symbols of the partition that differ from `health`; never `closed`, which a
             trigger knows of its own session: a symbol whose market is shut is `quiet` here
    """

    feed_ms: int
    recv_ms: int
    feed: str
    health: FeedHealth = "live"
    gap_ms: int = 0
    symbols: dict[str, FeedHealth] = {}


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Closed candles of one symbol and one source from before its live tape, oldest first; lists have one length.

    seam_ms    of each candle, where the stretch it is in ends and another source takes over (T22); empty: it is
               one stretch, and ends with its last candle
    is_stored  the candles come from our own history: nobody need write them there again
    is_whole   nothing is missing from the first of them until they were asked for, but minutes without a trade
    """

    symbol: str
    session: Literal["regular", "extended"]
    timeframe: str
    source: str
    ts_ms: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    vwap: list[float]
    trades: list[int]
    seam_ms: list[int] = []
    is_stored: bool = False
    is_whole: bool = True


Message = TradeFrame | Mark | History
_T = TypeVar("_T", Mark, History)
_D = TypeVar("_D", bound=np.generic)


def encode_trades(frame: TradeFrame) -> bytes:
    names = [s.encode() for s in frame.symbols]
    head = _HEAD.pack(VERSION, KIND_TRADES, len(names), len(frame))
    table = b"".join(_LENGTH.pack(len(n)) + n for n in names)
    padding = b"\0" * (-(len(head) + len(table)) % 8)
    columns = (
        frame.ts_ms.astype("<i8", copy=False),
        frame.recv_ms.astype("<i8", copy=False),
        frame.price.astype("<f8", copy=False),
        frame.size.astype("<f8", copy=False),
        frame.codes.astype("<u8", copy=False),
        frame.symbol_index.astype("<u2", copy=False),
        frame.flags.astype("u1", copy=False),
    )
    return b"".join((head, table, padding, *(c.tobytes() for c in columns)))


def encode_mark(mark: Mark) -> bytes:
    return bytes((VERSION, KIND_MARK)) + msgspec.msgpack.encode(mark)


def encode_history(history: History) -> bytes:
    return bytes((VERSION, KIND_HISTORY)) + msgspec.msgpack.encode(history)


def decode(data: bytes) -> Message:
    """Read one message of topic `trades`; the arrays of a TradeFrame are read-only views of `data`.

    Raises:
        Malformed: with reason `short`, `version`, `kind`, `length`, `symbols`, `symbol_index`, `mark`, `history`.
    """
    if len(data) < 2:
        raise Malformed("short", f"{len(data)} bytes")
    if data[0] != VERSION:
        raise Malformed("version", f"found {data[0]}, this reader knows {VERSION}")
    kind = data[1]
    if kind == KIND_TRADES:
        return _decode_trades(data)
    if kind == KIND_MARK:
        return _decode_struct(data, Mark, "mark")
    if kind == KIND_HISTORY:
        history = _decode_struct(data, History, "history")
        columns = (history.open, history.high, history.low, history.close, history.volume, history.vwap)
        seams = history.seam_ms or history.ts_ms
        if any(len(c) != len(history.ts_ms) for c in (*columns, history.trades, seams)):
            raise Malformed("history", "columns of different length")
        return history
    raise Malformed("kind", f"found {kind}")


def _decode_struct(data: bytes, kind: type[_T], reason: str) -> _T:
    try:
        return msgspec.msgpack.decode(memoryview(data)[2:], type=kind)
    except msgspec.MsgspecError as error:
        raise Malformed(reason, str(error)) from None


def _decode_trades(data: bytes) -> TradeFrame:
    if len(data) < _HEAD.size:
        raise Malformed("short", f"{len(data)} bytes")
    _, _, n_symbols, n = _HEAD.unpack_from(data)
    symbols, at = _decode_symbols(data, n_symbols)
    at += -at % 8
    if len(data) != at + n * _BYTES_A_TRADE:
        raise Malformed("length", f"{len(data)} bytes for {n} trades and {n_symbols} symbols")

    def column(dtype: type[_D], width: int) -> NDArray[_D]:
        nonlocal at
        values = np.frombuffer(data, dtype=dtype, count=n, offset=at)
        at += n * width
        return values

    ts_ms, recv_ms = column(np.int64, 8), column(np.int64, 8)
    price, size = column(np.float64, 8), column(np.float64, 8)
    codes, index, flags = column(np.uint64, 8), column(np.uint16, 2), column(np.uint8, 1)
    if n and int(index.max()) >= n_symbols:
        raise Malformed("symbol_index", f"{int(index.max())} of {n_symbols} symbols")
    return TradeFrame(symbols, index, ts_ms, recv_ms, price, size, flags, codes)


def _decode_symbols(data: bytes, count: int) -> tuple[tuple[str, ...], int]:
    at = _HEAD.size
    symbols: list[str] = []
    try:
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(data, at)
            at += 2
            if at + length > len(data):
                raise Malformed("symbols", "cut short")
            symbols.append(data[at : at + length].decode())
            at += length
    except (struct.error, UnicodeDecodeError) as error:
        raise Malformed("symbols", str(error)) from None
    return tuple(symbols), at
