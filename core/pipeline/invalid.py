"""Pydantic's errors in our words: path, what was found, what would be right."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from core.errors import Problem
from engine.grammar.fields import shown

_SAID = {
    "extra_forbidden": "no such key here",
    "missing": "it is needed",
    "string_pattern_mismatch": "",
}
_PATTERNS = {
    r"^[a-z0-9-]+$": "only a-z, 0-9 and -",
    r"^[A-Z0-9][A-Z0-9:._/-]*$": "a symbol in capitals, as in AAPL or BINANCE:BTCUSDT",
}


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Return one problem for each error; `prefix` is the path of what was validated."""
    problems: list[Problem] = []
    for detail in error.errors(include_url=False):
        kind = detail["type"]
        context = detail.get("ctx", {})
        expected = _SAID.get(kind) or detail["msg"].removeprefix("Value error, ")
        if kind == "string_pattern_mismatch":
            expected = _PATTERNS.get(str(context.get("pattern")), detail["msg"])
        found = {"missing": "nothing", "extra_forbidden": "an unknown key"}.get(kind) or shown(detail["input"])
        problems.append(Problem(path_of(detail["loc"], prefix), found, _lower(expected)))
    return problems


def path_of(location: Sequence[int | str], prefix: str = "") -> str:
    """Return `nodes[2].config.timeframes` for `("nodes", 2, "config", "timeframes")`."""
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
