"""What a channel sends, and what it says of an attempt."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from core.errors import TapewatchError


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A notification on its way out. `id` is the same in every attempt: a receiver drops what it has seen."""

    id: UUID
    kind: str
    title: str
    body: str
    link: str
    """The page of what it is about; empty where there is none."""
    payload: dict[str, object]
    created_at: datetime


class Refused(TapewatchError):
    """The receiver will not take this however often it is sent: wrong address, wrong token, no such chat."""


class Channel(Protocol):
    def send(self, message: Message, address: str) -> str:
        """Send, and return what the receiver answered, in a few words and without a secret.

        Raises:
            Refused: trying again is of no use.
            Unavailable: it may get there another time.
        """
        ...
