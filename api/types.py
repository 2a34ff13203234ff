"""What the resources' models share: money and numbers as decimal strings, the frozen base, cursors."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from core.errors import InvalidInput, Problem


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros: 0.0020000000 → 0.002."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


_AS_TEXT = PlainSerializer(plain, return_type=str, when_used="json")

Money = Annotated[Decimal, _AS_TEXT, WithJsonSchema({"type": "string", "format": "decimal", "examples": ["0.0021"]})]
"""USD, a decimal string in JSON."""
Amount = Annotated[Decimal, _AS_TEXT, WithJsonSchema({"type": "string", "format": "decimal", "examples": ["150.5"]})]
"""A price or a quantity, a decimal string in JSON."""


class Model(BaseModel):
    """Base of what the API answers."""

    model_config = ConfigDict(frozen=True)


class Input(BaseModel):
    """Base of what the API is sent: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


def encode_cursor(at: datetime, item_id: UUID) -> str:
    """Return an opaque cursor for the sort key of a page's last item."""
    return encode_key(at.isoformat(), str(item_id))


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Return the sort key of a page's last item.

    Raises:
        InvalidInput: it is no cursor of ours.
    """
    at, item_id = decode_key(cursor)
    try:
        return datetime.fromisoformat(at), UUID(item_id)
    except ValueError:
        raise _bad_cursor(cursor) from None


def encode_key(*key: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_key(cursor: str) -> tuple[str, str]:
    """Return the two parts of a sort key.

    Raises:
        InvalidInput: it is no cursor of ours.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=tuple[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _bad_cursor(cursor) from None


def _bad_cursor(cursor: str) -> InvalidInput:
    return InvalidInput([Problem("query.cursor", repr(cursor[:40]), "give the `next_cursor` of a page, unchanged")])
