"""The interface of a language model provider, and which one answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel

from agents.prompt import Prompt
from core.errors import ConfigError, Unavailable

M = TypeVar("M", bound=BaseModel)
RULES = "rules"
"""In the place of a model's name: answer by rules, whatever keys there are."""


class ModelFails(Unavailable):
    """The server answers, but this model fails or is limited (5xx, 429): later perhaps, or another model."""


class NoSuchModel(ConfigError):
    """The server does not have this model (404); another perhaps."""


class Provider(Protocol):
    """Answers prompts with instances of a model. Every call is metered by the `METER` of the context.

    Both ways raise `Unavailable` (away, slow, limited: later perhaps), `BadModelOutput` (the answer breaks the
    schema) or `ConfigError` (refused: key, model or request are wrong); of these, `ModelFails` and `NoSuchModel`
    where another model of the same server may answer.
    """

    @property
    def label(self) -> str:
        """Return what outputs say of their origin: the model, or `rules/v1`."""
        ...

    def crew_llm(self, temperature: float) -> BaseLLM:
        """Return the model in the form a crew takes."""
        ...

    def complete(self, prompt: Prompt, evidence: str, kind: type[M], *, temperature: float) -> M:
        """Ask once, directly."""
        ...

    def reaction(self, error: Exception) -> Exception:
        """Return what an error of a crew run on this provider means to us."""
        ...


class Providers(Protocol):
    def choose(self, model: str | None, *, report: bool = False) -> Provider:
        """Return the provider for a step's setting; None is the platform's model."""
        ...


@dataclass(frozen=True, slots=True)
class Cheaper:
    """The choice where money runs low: the platform's model for reports, whatever a step would have asked."""

    providers: Providers

    def choose(self, model: str | None, *, report: bool = False) -> Provider:
        del report
        return self.providers.choose(RULES if model == RULES else None, report=True)


@dataclass(frozen=True, slots=True)
class RulesOnly:
    """The choice where there is no key."""

    rules: Provider

    def choose(self, model: str | None, *, report: bool = False) -> Provider:
        del model, report
        return self.rules
