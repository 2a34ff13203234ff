"""What one HTTP request asks for: statement, data, parameters, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from deploy.embedded.clickhouse.body import form_fields, pieces
from deploy.embedded.clickhouse.failure import SYNTAX_ERROR, failure
from deploy.embedded.clickhouse.statement import DataInsert, data_insert

# Parameters of the transport. `client_protocol_version` too: the client notices that it is ignored.
_TRANSPORT = frozenset(
    {
        "query", "database", "query_id", "session_id", "session_timeout", "session_check", "client_protocol_version",
        "compress", "decompress", "user", "password", "role", "quota_key", "wait_end_of_query", "buffer_size",
        "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression",
        "http_zlib_compression_level", "cancel_http_readonly_queries_on_client_close", "default_format", "stacktrace",
    }
)  # fmt: skip
_PARAMETER = "param_"
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_HEAD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """`insert` is set where rows follow the statement; then `body` from `insert.data_at` on is data."""

    sql: str
    insert: DataInsert | None
    data: bytes
    encoding: str
    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    database: str
    session: str
    query_id: str
    default_format: str


def read_request(url_query: str, body: bytes, *, content_type: str, encoding: str) -> Request:
    """Sort a request into its parts.

    Raises:
        EngineError: it cannot be understood.
    """
    fields = dict(parse_qsl(url_query, keep_blank_values=True))
    if content_type.startswith("multipart/form-data"):
        fields |= form_fields(b"".join(pieces(body, encoding)), content_type)
        body, encoding = b"", ""
    sql, insert, data = _statement(fields.get("query", ""), body, encoding)
    settings = {n: v for n, v in fields.items() if n not in _TRANSPORT and not n.startswith(_PARAMETER)}
    for name in settings:
        if not _SETTING_NAME.fullmatch(name):
            raise failure(115, f"{name!r} is not the name of a setting", "UNKNOWN_SETTING")
    return Request(
        sql=sql,
        insert=insert,
        data=data,
        encoding=encoding,
        parameters={n.removeprefix(_PARAMETER): v for n, v in fields.items() if n.startswith(_PARAMETER)},
        settings=settings,
        database=fields.get("database", ""),
        session=fields.get("session_id", ""),
        query_id=fields.get("query_id", ""),
        default_format=fields.get("default_format", ""),
    )


def _statement(in_url: str, body: bytes, encoding: str) -> tuple[str, DataInsert | None, bytes]:
    """Return statement, insert and still encoded body; the statement may be in the URL, in the body, or in both."""
    if in_url:
        insert = data_insert(in_url.encode())
        if insert is not None:
            rest = in_url.encode()[insert.data_at :]
            if rest and not body:  # rows written after FORMAT in the URL itself
                return insert.sql, DataInsert(insert.sql, insert.data_format, 0), rest
            return insert.sql, DataInsert(insert.sql, insert.data_format, 0), body
    head = bytearray()
    for piece in pieces(body, encoding):
        head += piece
        if in_url or len(head) < _HEAD_BYTES:
            continue
        break
    if in_url:
        return _text(in_url.encode() + (b"\n" + bytes(head) if head else b"")), None, b""
    insert = data_insert(bytes(head))
    if insert is not None:
        return insert.sql, insert, body
    if len(head) >= _HEAD_BYTES:
        head = bytearray(b"".join(pieces(body, encoding)))
    return _text(bytes(head)), None, b""


def _text(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError:
        raise failure(SYNTAX_ERROR, "the statement is not UTF-8 text", "SYNTAX_ERROR") from None


def rows(request: Request, insert: DataInsert) -> Iterator[bytes]:
    """Yield the rows of an insert, decompressed, without the statement before them."""
    skip = insert.data_at
    for piece in pieces(request.data, request.encoding):
        if skip >= len(piece):
            skip -= len(piece)
            continue
        yield piece[skip:]
        skip = 0
