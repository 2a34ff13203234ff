"""Reading JSON that a user wrote: every problem is collected, none is raised, nothing is guessed.

A `Fields` reads one JSON object. Each method takes one key, says in the common list what is wrong with its
value and returns a usable value anyway, so that the reader can go on and find the next problem.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

Choice = TypeVar("Choice", bound=str)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = _EPOCH, datetime(2200, 1, 1, tzinfo=UTC)
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: the path of the field, what was found there, what would be right."""

    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}; {self.expected}"


@dataclass(slots=True)
class Problems:
    """The list that all readers of one document share."""

    found: list[Problem] = field(default_factory=list[Problem])

    def add(self, path: str, value: object, expected: str) -> None:
        self.found.append(Problem(path, shown(value), expected))

    def add_missing(self, path: str, expected: str) -> None:
        self.found.append(Problem(path, "nothing", expected))


def shown(value: object) -> str:
    """Return a value as a message may show it: short, and whatever it is."""
    if isinstance(value, dict):
        return f"an object with {len(cast('dict[str, object]', value))} keys"
    if isinstance(value, list):
        return f"a list of {len(cast('list[object]', value))}"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"  # Python refuses to print more than 4,300 digits
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def near(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'RSI'?` where a known name is near, else an empty text."""
    by_fold = {k.casefold(): k for k in known}
    close = difflib.get_close_matches(name[:100].casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[close[0]]!r}?" if close else ""


def number_of(value: object) -> float | None:
    """Return a JSON number as float; None for anything else, NaN, infinity and what overflows."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def number_problem(value: object) -> str:
    """Return what would be right where `number_of` found no number."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return "write a number"
        return "write the number without quotes"
    if isinstance(value, list):
        return "write one number, not a list"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "write a finite number"
    return "write a number"


class Fields:
    """One JSON object being read. `finish` reports the keys that nobody asked for."""

    def __init__(self, data: dict[str, object], path: str, problems: Problems) -> None:
        self.data = data
        self.path = path
        self.problems = problems
        self._known: list[str] = []

    def at(self, key: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def take(self, key: str) -> object:
        """Return the raw value and count the key as known. null is the same as leaving it out."""
        self._known.append(key)
        return self.data.get(key)

    def allow(self, *keys: str) -> None:
        """Count keys as known that another reader handles."""
        self._known.extend(keys)

    def add(self, key: str, expected: str) -> None:
        """Report the value of a key."""
        if self.has(key):
            self.problems.add(self.at(key), self.data[key], expected)
        else:
            self.problems.add_missing(self.at(key), expected)

    def choice(self, key: str, options: Sequence[Choice], default: Choice) -> Choice:
        value = self.take(key)
        if value is None:
            return default
        for option in options:
            if value == option and isinstance(value, str):
                return option
        hint = near(value, options) if isinstance(value, str) else ""
        self.add(key, "one of " + ", ".join(options) + hint)
        return default

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.add(key, "write true or false")
        return default

    def number(self, key: str, *, default: float, at_least: float | None = None, above: float | None = None) -> float:
        value = self.take(key)
        if value is None:
            return default
        number = number_of(value)
        if number is None:
            self.add(key, number_problem(value))
        elif at_least is not None and number < at_least:
            self.add(key, f"at least {at_least:g}")
        elif above is not None and number <= above:
            self.add(key, f"more than {above:g}")
        else:
            return number
        return default

    def integer(self, key: str, *, default: int, at_least: int, at_most: int = 1_000_000_000) -> int:
        value = self.take(key)
        if value is None:
            return default
        number = number_of(value)
        if number is None:
            self.add(key, number_problem(value))
        elif number != int(number):
            self.add(key, "write a whole number")
        elif not at_least <= number <= at_most:
            bound = f"at least {at_least}" if number < at_least else f"at most {at_most}"
            self.add(key, bound)
        else:
            return int(number)
        return default

    def milliseconds(self, key: str, *, unit_ms: int, default: int, above: float | None = None) -> int:
        """Read a duration in seconds or minutes as whole milliseconds, at most 100 years."""
        number = self.number(key, default=default / unit_ms, at_least=0 if above is None else None, above=above)
        if number * unit_ms > 100 * 366 * 86_400_000:
            self.add(key, "at most 100 years")
            return default
        if number > 0 and round(number * unit_ms) == 0:
            self.add(key, "at least a millisecond, or 0" if above is None else "at least a millisecond")
            return default
        return round(number * unit_ms)

    def text(self, key: str) -> str | None:
        """Return a text, or None when it is missing or not one (reported)."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        self.add(key, "write a text in quotes")
        return None

    def texts(self, key: str, *, example: str) -> tuple[str, ...]:
        """Return a list of texts, none of them empty; () where it is missing."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.add(key, f"write a list of texts, as in {example}")
            return ()
        texts: list[str] = []
        for i, item in enumerate(cast("list[object]", value)):
            if isinstance(item, str) and item.strip():
                texts.append(item.strip())
            else:
                self.problems.add(f"{self.at(key)}[{i}]", item, "write a text that is not empty")
        return tuple(texts)

    def instant(self, key: str) -> int | None:
        """Return epoch milliseconds of an ISO 8601 text with offset."""
        value = self.take(key)
        if value is None:
            return None
        example = "write ISO 8601 with offset, as in 2025-03-10T09:30:00-04:00"
        if not isinstance(value, str):
            self.add(key, example)
            return None
        try:
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                self.add(key, f"no offset; {example}")
                return None
            if not _EARLIEST <= at < _LATEST:
                self.add(key, "from 1970 to 2199")
                return None
            return (at - _EPOCH) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            self.add(key, example)
            return None

    def child(self, key: str, *, example: str) -> Fields | None:
        """Return the reader of an inner object; None when it is missing, or no object (reported)."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.add(key, f"write an object, as in {example}")
            return None
        return Fields(cast("dict[str, object]", value), self.at(key), self.problems)

    def finish(self) -> None:
        """Report unknown keys."""
        for key in self.data:
            if key not in self._known:
                known = sorted(set(self._known))
                self.problems.found.append(
                    Problem(
                        self.at(key if len(key) <= _SHOWN else key[:_SHOWN] + "…"),
                        "an unknown key",
                        "known here: " + ", ".join(known) + near(key, known),
                    )
                )
