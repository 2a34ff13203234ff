from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import cast

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse.body import PIECE, compressed, form_fields, pieces, read_body
from deploy.embedded.clickhouse.failure import EngineError

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": cast("Callable[[bytes], bytes]", lz4.frame.compress),
    "zstd": zstd.compress,
    "gzip": gzip.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@given(blocks=st.lists(st.binary(min_size=1, max_size=2_000), min_size=1, max_size=5))
def test_a_body_of_several_frames_is_read_to_its_end(encoding: str, blocks: list[bytes]) -> None:
    """Clients compress block by block: a decoder that stops after the first frame loses rows and says nothing."""
    body = b"".join(ENCODERS[encoding](block) for block in blocks)
    assert b"".join(pieces(body, encoding)) == b"".join(blocks)


def test_deflate_and_plain_bodies_are_read() -> None:
    assert b"".join(pieces(zlib.compress(b"rows"), "deflate")) == b"rows"
    assert b"".join(pieces(b"x" * (PIECE + 1), "")) == b"x" * (PIECE + 1)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_body_cut_short_is_refused(encoding: str) -> None:
    whole = ENCODERS[encoding](bytes(range(256)) * 100)
    with pytest.raises(EngineError, match="ended early"):
        list(pieces(whole[:-5], encoding))


@pytest.mark.parametrize("encoding", [*ENCODERS, "deflate"])
def test_a_body_that_is_not_what_it_says_is_refused(encoding: str) -> None:
    with pytest.raises(EngineError, match=f"not {encoding}"):
        list(pieces(b"this is no compressed text at all", encoding))


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match="'br'"):
        list(pieces(b"x", "br"))


def test_a_chunked_body_with_extensions_and_trailers_is_read_whole() -> None:
    stream = io.BufferedReader(io.BytesIO(b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\nnext request"))
    assert read_body(stream, length=None, chunked=True, limit=100) == b"abcde"
    assert stream.read() == b"next request"


@pytest.mark.parametrize(
    ("data", "length"), [(b"5\r\nabcde\r\n0\r\n\r\n", None), (b"abcde", 5)], ids=["chunked", "plain"]
)
def test_a_body_over_the_limit_is_refused(data: bytes, length: int | None) -> None:
    stream = io.BufferedReader(io.BytesIO(data))
    with pytest.raises(EngineError, match="larger than 4 bytes") as raised:
        read_body(stream, length=length, chunked=length is None, limit=4)
    assert raised.value.code == 307


@pytest.mark.parametrize(
    ("data", "length"), [(b"5\r\nabc", None), (b"zz\r\n", None), (b"abc", 5)], ids=["inside", "size", "plain"]
)
def test_a_client_that_dies_half_way_inserts_nothing(data: bytes, length: int | None) -> None:
    stream = io.BufferedReader(io.BytesIO(data))
    with pytest.raises(EngineError):
        read_body(stream, length=length, chunked=length is None, limit=100)


def test_form_fields_are_read_and_files_refused() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {a:UInt8}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="param_a"\r\n\r\n7\r\n--b--\r\n'
    )
    assert form_fields(body, "multipart/form-data; boundary=b") == {"query": "SELECT {a:UInt8}", "param_a": "7"}
    file = b'--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\r\n--b--\r\n'
    with pytest.raises(EngineError, match="external data"):
        form_fields(file, "multipart/form-data; boundary=b")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("lz4,zstd,gzip", "lz4"), ("gzip, zstd", "zstd"), ("gzip;q=1", "gzip"), ("br", ""), ("", "")],
)
def test_replies_are_compressed_as_the_client_accepts(accepted: str, encoding: str) -> None:
    data = b"row" * 1_000
    sent, named = compressed(data, accepted)
    assert named == encoding
    assert b"".join(pieces(sent, named)) == data
