"""One error type for each reaction of the caller.

TapewatchError
├── ConfigError        refuse to start, name the variable; exit code 2
├── InvalidInput       the user can mend it → 422 with field and position
├── NotFound           → 404
├── Conflict           → 409
├── NotAllowed         → 401 or 403; says nothing of what exists
├── Malformed          a message we cannot read → dead-letters with the reason, count, go on
├── Unavailable        a neighbour is away → retry with backoff and jitter, bounded
├── OutcomeUnknown     it may have happened (an order timed out) → look it up before trying again
└── BadModelOutput     send back once with the reason, then the step fails with it

`agents.llm.budget.BudgetExceeded` stands outside on purpose: it stops an execution through library code
that retries on any `Exception`, so it derives from `BaseException`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TapewatchError(Exception):
    """Base of all our errors; its text is fit to be shown to a user."""


class ConfigError(TapewatchError):
    """The process cannot start as configured. The text names the variable and what would be right."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, what was found, what would be right."""

    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}; {self.expected}"


class InvalidInput(TapewatchError):
    """The user can mend it. Carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class NotFound(TapewatchError):
    """There is no such thing, or it belongs to somebody else; the text does not tell which."""


class Conflict(TapewatchError):
    """The thing has changed since it was read, or is in a state that does not allow this."""


class NotAllowed(TapewatchError):
    """Not logged in, or not permitted. The text says nothing of what exists."""


class Malformed(TapewatchError):
    """A message that cannot be read. `reason` is a short, countable word such as `bad_json`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class Unavailable(TapewatchError):
    """A neighbour is away for now. The caller waits, tries again, and says so meanwhile."""


class OutcomeUnknown(TapewatchError):
    """It may have happened or not. Look it up before trying again."""


class BadModelOutput(TapewatchError):
    """A model's answer broke a rule. The text is the reason that is sent back to the model, once."""
