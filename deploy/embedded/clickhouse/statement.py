"""Tell an insert that brings its data from every other statement, by looking at its first words."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One token of the part of a statement that matters here: comments and strings are stepped over as a whole.
_TOKEN = re.compile(
    rb"""(?P<space>\s+)
    |(?P<comment>--[^\n]*(?:\n|$)|\#![^\n]*(?:\n|$)|\#\s[^\n]*(?:\n|$)|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<open>\()|(?P<close>\))
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_HEAD_BYTES = 1 << 20
_ENDS_SEARCH = frozenset({b"SELECT", b"VALUES", b"WITH", b"WATCH", b"INFILE"})
_TRAILING_FORMAT = re.compile(r"\bFORMAT\s+([A-Za-z][A-Za-z0-9]*)\s*(?:SETTINGS\b[^']*)?;?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataInsert:
    """An insert whose rows follow it: `sql` is without its FORMAT clause, `data_at` where the rows begin."""

    sql: str
    data_format: str
    data_at: int


def data_insert(text: bytes) -> DataInsert | None:
    """Return the parts of `INSERT INTO … FORMAT X` followed by rows, or None for any other statement."""
    depth, first = 0, True
    position, end = 0, min(len(text), _HEAD_BYTES)
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            return None
        if token.lastgroup == "open":
            depth += 1
        elif token.lastgroup == "close":
            depth -= 1
        elif token.lastgroup == "word" and depth == 0:
            word = token.group().upper()
            if first and word != b"INSERT":
                return None
            if word in _ENDS_SEARCH:
                return None
            if word == b"FORMAT":
                return _with_format(text, position, token.end())
        if token.lastgroup not in ("space", "comment"):
            first = False
        position = token.end()
    return None


def _with_format(text: bytes, format_at: int, after: int) -> DataInsert | None:
    named = re.compile(rb"\s+([A-Za-z][A-Za-z0-9]*)[ \t\r]*(?:;[ \t\r]*)?\n?").match(text, after)
    if named is None:
        return None
    return DataInsert(text[:format_at].decode().strip(), named.group(1).decode(), named.end())


def first_word(sql: str) -> str:
    """Return the first word in capitals, past comments; empty where there is none."""
    text = sql.encode()
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return ""
        if token.lastgroup == "word":
            return token.group().decode().upper()
        position = token.end()
    return ""


def output_format(sql: str) -> str | None:
    """Return the format that a statement asks its result in, if it names one."""
    found = _TRAILING_FORMAT.search(sql)
    return found.group(1) if found else None
