"""The field types of the Kafka protocol in its older, plain form: big-endian numbers, lengths before what follows."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

X = TypeVar("X")
_I8, _I16, _I32, _I64 = struct.Struct(">b"), struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")


class Unreadable(Exception):
    """Bytes that are no request; whoever sent them is hung up on."""


class Reader:
    """Takes fields from the front; raises Unreadable where there are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def i8(self) -> int:
        return self._number(_I8)

    def i16(self) -> int:
        return self._number(_I16)

    def i32(self) -> int:
        return self._number(_I32)

    def i64(self) -> int:
        return self._number(_I64)

    def text(self) -> str:
        """Return a string; null is empty."""
        return self._take(max(0, self.i16())).decode()

    def octets(self) -> bytes:
        """Return bytes; null is empty."""
        return self._take(max(0, self.i32()))

    def many(self, one: Callable[[], X]) -> list[X]:
        """Return an array; null is empty."""
        return self.many_or_none(one) or []

    def many_or_none(self, one: Callable[[], X]) -> list[X] | None:
        count = self.i32()
        if count < 0:
            return None
        if count > len(self._data):
            raise Unreadable(f"an array of {count} in {len(self._data)} bytes")
        return [one() for _ in range(count)]

    def _number(self, form: struct.Struct) -> int:
        try:
            [number] = form.unpack_from(self._data, self._at)
        except struct.error:
            raise Unreadable("it ends too soon") from None
        self._at += form.size
        return int(number)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise Unreadable("it ends too soon")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def i8(number: int) -> bytes:
    return _I8.pack(number)


def i16(number: int) -> bytes:
    return _I16.pack(number)


def i32(number: int) -> bytes:
    return _I32.pack(number)


def i64(number: int) -> bytes:
    return _I64.pack(number)


def text(value: str | None) -> bytes:
    if value is None:
        return _I16.pack(-1)
    encoded = value.encode()
    return _I16.pack(len(encoded)) + encoded


def octets(value: bytes) -> bytes:
    return _I32.pack(len(value)) + value


def many(parts: Iterable[bytes]) -> bytes:
    """Return an array of parts that are encoded already."""
    given = list(parts)
    return _I32.pack(len(given)) + b"".join(given)
