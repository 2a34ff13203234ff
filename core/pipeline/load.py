"""A pipeline as text: JSON or YAML in, PipelineConfig out; a mistake is named with its line."""

from __future__ import annotations

import json
from typing import cast

import yaml
from pydantic import ValidationError

from core.errors import InvalidInput, Problem
from core.pipeline.config import PipelineConfig
from core.pipeline.invalid import problems_of
from engine.grammar.fields import shown


def parse_config(data: object) -> PipelineConfig:
    """Return the pipeline of a JSON object; its sense is not yet checked.

    Raises:
        InvalidInput: with every problem of its shape.
    """
    if not isinstance(data, dict):
        raise InvalidInput([Problem("", shown(data), "an object with id, name, symbol, nodes, edges")])
    try:
        return PipelineConfig.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from None


def load_json(text: str) -> PipelineConfig:
    """Read JSON.

    Raises:
        InvalidInput: path `line 12, column 5` where the text is no JSON, else the path of the field.
    """
    try:
        data = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1].strip() if error.lineno <= len(text.splitlines()) else ""
        found = repr(line[:60]) if line else "the end of the text"
        raise InvalidInput(
            [Problem(f"line {error.lineno}, column {error.colno}", found, f"no JSON: {error.msg}")]
        ) from None
    except RecursionError:
        raise InvalidInput([Problem("", "brackets nested without end", "a pipeline")]) from None
    except ValueError as error:  # a number of more than 4,300 digits
        raise InvalidInput([Problem("", "a value that cannot be read", str(error)[:100])]) from None
    return parse_config(data)


def load_yaml(text: str) -> PipelineConfig:
    """Read YAML; the same shape as the JSON. Dates and times stay texts.

    Raises:
        InvalidInput: as `load_json`.
    """
    try:
        data = cast(object, yaml.load(text, Loader=_TextLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the text"
        raise InvalidInput([Problem(where, "no YAML", error.problem or "it cannot be read")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput([Problem("the text", "no YAML", str(error).splitlines()[0][:100])]) from None
    return parse_config(data)


def load_text(text: str, *, name: str) -> PipelineConfig:
    """Read a file's text: YAML when its name ends in .yaml or .yml, else JSON."""
    return load_yaml(text) if name.endswith((".yaml", ".yml")) else load_json(text)


class _TextLoader(yaml.SafeLoader):
    """YAML as JSON knows it: `2025-03-10` is a text and not a date, no aliases that explode."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases are not read", problem_mark=mark)
        return super().compose_node(parent, index)


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInput([Problem("", f"the key {twice!r} twice in one object", "each key once")])
    return data
