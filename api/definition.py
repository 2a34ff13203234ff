"""From the JSON a user sends to what is stored: checked, with its own id, or refused with every reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast
from uuid import UUID

from pydantic import JsonValue

from core.errors import InvalidInput, Problem
from core.pipeline import PipelineConfig, check, parse_config, trigger_node, trigger_spec
from core.store.pipelines import Definition

_MOST_INTEGER = 2**63 - 1


def define(data: Mapping[str, JsonValue], pipeline_id: UUID) -> Definition:
    """Return what is stored of a pipeline's JSON under an id.

    Raises:
        InvalidInput: with everything that is wrong, each with its path.
    """
    config = read(data, pipeline_id)
    if problems := check(config):
        raise InvalidInput(problems)
    return Definition(
        name=config.name,
        description=config.description,
        symbols=list(config.all_symbols),
        config=cast("dict[str, object]", config.to_json()),
        trigger_node_id=trigger_node(config).id,
        trigger_hash=trigger_spec(config, 1).config_hash,
    )


def read(data: Mapping[str, JsonValue], pipeline_id: UUID) -> PipelineConfig:
    """Return a pipeline of the right shape. Its id becomes the stored one's; versions are the store's to count."""
    if problems := list(_unstorable(data)):
        raise InvalidInput(problems)
    return parse_config({**{k: v for k, v in data.items() if k != "version"}, "id": str(pipeline_id)})


def _unstorable(data: Mapping[str, JsonValue]) -> Iterator[Problem]:
    """Find what JSON can say and no database can hold: NUL, half of a character, numbers without end."""
    left: list[tuple[str, object]] = [("", data)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            for key, item in cast("dict[str, object]", value).items():
                left.append((f"{path}.{key}" if path else key, item))
                left.append((path, key))
        elif isinstance(value, list):
            left += [(f"{path}[{i}]", item) for i, item in enumerate(cast("list[object]", value))]
        elif isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
            yield Problem(_shown(path), "a text with a character that is none", "leave it out")
        elif isinstance(value, float) and not math.isfinite(value):
            yield Problem(_shown(path), repr(value), "a number")
        elif isinstance(value, int) and abs(value) > _MOST_INTEGER:
            yield Problem(_shown(path), "a huge number", "a number of at most 18 digits")


def _shown(path: str) -> str:
    return path.encode("ascii", "replace").decode()[:200]
