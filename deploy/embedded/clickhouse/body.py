"""Bodies of requests: framing, decompression piece by piece, form fields; and compression of replies."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from io import BufferedIOBase
from typing import Protocol, cast

import lz4.frame
from backports import zstd

from deploy.embedded.clickhouse.failure import (
    CANNOT_READ,
    NOT_IMPLEMENTED,
    TOO_LARGE,
    EngineError,
    failure,
)

PIECE = 1 << 18
_SMALL = 1_024


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def read_body(stream: BufferedIOBase, *, length: int | None, chunked: bool, limit: int) -> bytes:
    """Read a body whole, so that a client that dies half-way inserts nothing.

    Raises:
        EngineError: it is larger than `limit` bytes, or ends early.
    """
    if chunked:
        return b"".join(_chunks(stream, limit))
    wanted = length or 0
    if wanted > limit:
        raise _too_large(limit)
    body = stream.read(wanted)
    if len(body) < wanted:
        raise failure(CANNOT_READ, f"the body ended after {len(body)} of {wanted} bytes", "CANNOT_READ_ALL_DATA")
    return body


def _chunks(stream: BufferedIOBase, limit: int) -> Iterator[bytes]:
    total = 0
    while True:
        line = stream.readline(1_024)
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise failure(CANNOT_READ, f"bad chunk size {line[:32]!r}", "CANNOT_READ_ALL_DATA") from None
        if size == 0:
            while stream.readline(8_192) not in (b"\r\n", b"\n", b""):
                pass  # trailers
            return
        total += size
        if total > limit:
            raise _too_large(limit)
        chunk = stream.read(size)
        if len(chunk) < size:
            raise failure(CANNOT_READ, "the body ended inside a chunk", "CANNOT_READ_ALL_DATA")
        stream.readline(8)
        yield chunk


def _too_large(limit: int) -> EngineError:
    return failure(TOO_LARGE, f"the body is larger than {limit} bytes; send it in parts", "TOO_MANY_BYTES")


def pieces(body: bytes, encoding: str) -> Iterator[bytes]:
    """Yield the body decompressed, a piece at a time.

    Clients write one LZ4 frame a block: what follows a finished frame is the next one.

    Raises:
        EngineError: the encoding is unknown, or the data are not what it says.
    """
    if encoding in ("", "identity"):
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]
        return
    make = _decompressor(encoding)
    machine = make()
    left = False
    for start in range(0, len(body), PIECE):
        data = body[start : start + PIECE]
        while data:
            try:
                out = machine.decompress(data)
            except (RuntimeError, zlib.error, zstd.ZstdError) as error:
                raise failure(CANNOT_READ, f"the body is not {encoding}: {error}", "CANNOT_DECOMPRESS") from None
            if out:
                yield out
            left = not machine.eof
            data = b""
            if machine.eof:
                data = machine.unused_data or b""
                machine = make()
    if left:
        raise failure(CANNOT_READ, f"the {encoding} body ended early", "CANNOT_READ_ALL_DATA")


def _decompressor(encoding: str) -> Callable[[], _Decompressor]:
    match encoding:
        case "lz4":
            return cast("Callable[[], _Decompressor]", lz4.frame.LZ4FrameDecompressor)
        case "zstd":
            return zstd.ZstdDecompressor
        case "gzip":
            return lambda: zlib.decompressobj(31)
        case "deflate":
            return lambda: zlib.decompressobj(15)
        case _:
            raise failure(NOT_IMPLEMENTED, f"unknown Content-Encoding {encoding!r}", "NOT_IMPLEMENTED")


def form_fields(body: bytes, content_type: str) -> dict[str, str]:
    """Return the fields of a multipart form.

    Raises:
        EngineError: it carries a file (external data), which this endpoint does not take.
    """
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None or not isinstance(name, str):
            raise failure(NOT_IMPLEMENTED, "external data are not supported", "NOT_IMPLEMENTED")
        payload = part.get_payload(decode=True)
        fields[name] = payload.decode() if isinstance(payload, bytes) else ""
    return fields


def compressed(data: bytes, accepted: str) -> tuple[bytes, str]:
    """Return the reply in the first encoding we share with the client, and its name; small ones as they are."""
    if len(data) < _SMALL:
        return data, ""
    offered = {part.split(";")[0].strip() for part in accepted.split(",")}
    if "lz4" in offered:
        return cast("bytes", lz4.frame.compress(data)), "lz4"
    if "zstd" in offered:
        return zstd.compress(data, 1), "zstd"
    if "gzip" in offered:
        return gzip.compress(data, 1), "gzip"
    return data, ""
