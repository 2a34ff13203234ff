"""What went wrong, as a ClickHouse client expects to be told."""

from __future__ import annotations

import re

_CODE = re.compile(r"Code:\s*(\d+)")
_NOT_FOUND = frozenset({16, 46, 47, 50, 60, 81, 115})
_BAD_REQUEST = frozenset({6, 26, 27, 33, 36, 38, 41, 53, 62, 70, 72, 117, 386, 456, 457})
_DENIED = frozenset({497, 516})
SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
TOO_LARGE = 307
AUTHENTICATION_FAILED = 516
SESSION_IS_LOCKED = 373
TOO_MANY_QUERIES = 202
CANNOT_READ = 33


class EngineError(Exception):
    """An error with ClickHouse's code; the text begins with `Code: N. DB::Exception:`."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


def failure(code: int, what: str, name: str) -> EngineError:
    """Return an error of our own in the engine's words."""
    return EngineError(code, f"Code: {code}. DB::Exception: {what} ({name})")


def from_engine(text: str) -> EngineError:
    """Read the code out of what the engine says; 1002 (unknown) where it gives none."""
    found = _CODE.search(text)
    if found is None:
        return EngineError(1002, f"Code: 1002. DB::Exception: {text.strip()} (UNKNOWN_EXCEPTION)")
    # What stands before the code is the library's own wording, of no use to a client.
    return EngineError(int(found.group(1)), text[found.start() :].strip())


def http_status(code: int) -> int:
    """Return the status for an engine's code. 503 means "try again", and clients do."""
    if code in _NOT_FOUND:
        return 404
    if code in _BAD_REQUEST:
        return 400
    if code in _DENIED:
        return 403
    if code == TOO_LARGE:
        return 413
    if code == NOT_IMPLEMENTED:
        return 501
    return 503 if code == TOO_MANY_QUERIES else 500
