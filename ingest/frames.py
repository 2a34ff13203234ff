"""What the feed's socket says, read with types. Keys in any order; condition codes missing, null or empty."""

from __future__ import annotations

import msgspec

from core.errors import Malformed


class Print(msgspec.Struct, frozen=True):
    """One trade as sent: s symbol, p price, t epoch ms, v size, c condition codes as strings."""

    s: str
    p: float
    t: int
    v: float = 0.0
    c: list[str] | None = None


class Frame(msgspec.Struct, frozen=True):
    """Any frame. `data` is left unread here: what it holds depends on `type`."""

    type: str
    data: msgspec.Raw = msgspec.Raw()
    msg: str = ""


class _About(msgspec.Struct, frozen=True):
    related: str = ""


_frame = msgspec.json.Decoder(Frame)
_prints = msgspec.json.Decoder(list[Print])
_abouts = msgspec.json.Decoder(list[_About])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_print = msgspec.json.Decoder(Print)


def read_frame(text: str | bytes) -> Frame:
    """Read the envelope.

    Raises:
        Malformed: `bad_json` or `bad_frame`.
    """
    try:
        return _frame.decode(text)
    except msgspec.ValidationError as error:
        raise Malformed("bad_frame", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("bad_json", str(error)) from None


def read_prints(data: msgspec.Raw) -> tuple[list[Print], list[tuple[bytes, str]]]:
    """Read the trades of a frame; those that cannot be read come back beside them as (bytes, why).

    Raises:
        Malformed: `bad_frame`, the whole is no list.
    """
    try:
        return _prints.decode(data), []
    except msgspec.MsgspecError:
        return _one_by_one(data)


def read_related(data: msgspec.Raw) -> list[str]:
    """Return the symbols that a news frame is about; its items themselves are asked for by REST (T34).

    Raises:
        Malformed: `bad_frame`.
    """
    try:
        abouts = _abouts.decode(data)
    except msgspec.MsgspecError as error:
        raise Malformed("bad_frame", str(error)) from None
    return [s for about in abouts for part in about.related.split(",") if (s := part.strip())]


def _one_by_one(data: msgspec.Raw) -> tuple[list[Print], list[tuple[bytes, str]]]:
    try:
        items = _items.decode(data)
    except msgspec.MsgspecError as error:
        raise Malformed("bad_frame", str(error)) from None
    good: list[Print] = []
    bad: list[tuple[bytes, str]] = []
    for item in items:
        try:
            good.append(_print.decode(item))
        except msgspec.MsgspecError as error:
            bad.append((bytes(item), str(error)))
    return good, bad
