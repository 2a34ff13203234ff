"""The kinds of values that the schemas of triggers are made of."""

from __future__ import annotations

from collections.abc import Sequence

from engine.grammar.news import LONGEST_TEXT, MOST_TEXTS

Json = dict[str, object]


def object_of(title: str, fields: Json, said: str = "", *, required: Sequence[str] = ()) -> Json:
    made: Json = {"title": title, "type": "object", "properties": fields, "additionalProperties": False}
    if required:
        made["required"] = list(required)
    return with_words(made, said)


def choice(title: str, options: Sequence[str], default: str = "", said: str = "") -> Json:
    made: Json = {"title": title, "type": "string", "enum": list(options)}
    if default:
        made["default"] = default
    return with_words(made, said)


def integer(title: str, least: int, most: int | None = None, *, default: int | None = None, said: str = "") -> Json:
    made: Json = {"title": title, "type": "integer", "minimum": least}
    if most is not None:
        made["maximum"] = most
    if default is not None:
        made["default"] = default
    return with_words(made, said)


def number(
    title: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    default: float | None = None,
    said: str = "",
) -> Json:
    made: Json = {"title": title, "type": "number"}
    for key, value in (("minimum", at_least), ("exclusiveMinimum", above), ("default", default)):
        if value is not None:
            made[key] = value
    return with_words(made, said)


def texts(title: str, said: str) -> Json:
    item: Json = {"type": "string", "maxLength": LONGEST_TEXT}
    return {"title": title, "type": "array", "items": item, "maxItems": MOST_TEXTS, "default": [], "description": said}


def reference(name: str, title: str, said: str = "") -> Json:
    return with_words({"$ref": f"#/$defs/{name}", "title": title}, said)


def with_words(schema: Json, said: str) -> Json:
    return {**schema, "description": said} if said else schema


def either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
