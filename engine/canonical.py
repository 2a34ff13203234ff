"""One text for one meaning: the canonical form of a trigger, and its hash.

A trigger's version grows when this hash changes (T31). It is made from the meaning, not from the JSON as
written: a default that is spelled out, the order of keys, `70` for `70.0`, a moved node or a new name change
nothing. What is left at its default is left out, so that a later field does not change old hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, cast

from engine.condition import TriggerSpec

_IDENTITY = ("trigger_id", "pipeline_id", "version", "config_hash")
"""Fields of a spec that say which trigger it is, not what it means."""

_Json = dict[str, "_Json"] | list["_Json"] | str | int | float | bool | None


def canonical_config(spec: TriggerSpec) -> str:
    """Return the canonical JSON of what a trigger means: keys sorted, no spaces, symbols sorted.

    Symbols belong to it: a trigger on other symbols is another trigger.
    """
    plain = cast("dict[str, _Json]", _plain(spec))
    for name in _IDENTITY:
        plain.pop(name, None)
    plain["symbols"] = [*sorted(set(spec.symbols))]
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def config_hash(spec: TriggerSpec) -> str:
    """Return the sha256 of the canonical JSON, 64 hex digits."""
    # A lone surrogate, which JSON can hold, has no UTF-8: it is hashed by its escape.
    return hashlib.sha256(canonical_config(spec).encode("utf-8", "backslashreplace")).hexdigest()


def _plain(value: object) -> _Json:
    if is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, _Json] = {}
        for name, default in _shape(type(value)):
            own = getattr(value, name)
            if own != default:
                plain[name] = _plain(own)
        # The class tells MarketHours from Cron, a Leaf from a Group.
        plain["is"] = type(value).__name__
        return plain
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, float):
        return value + 0.0  # -0.0 and 0.0 are one number
    if value is None or isinstance(value, str | int | bool):
        return value
    raise TypeError(f"no canonical form for {type(value).__name__}")


@cache
def _shape(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    """Return the fields of a dataclass with their defaults."""
    return tuple((f.name, _default(f)) for f in fields(kind))


def _default(field: Field[Any]) -> object:
    return None if field.default is MISSING else field.default
