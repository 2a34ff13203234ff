"""Which providers there are: OpenAI when there is a key, else the rules."""

from __future__ import annotations

from agents.llm.openai import OpenAIProviders
from agents.llm.provider import Providers, RulesOnly
from agents.llm.rules import RulesProvider
from core.settings import Settings


def providers_of(settings: Settings) -> Providers:
    """Return the providers of a configuration.

    Raises:
        ConfigError: a configured model has no price.
    """
    if settings.openai_api_key.get_secret_value():
        return OpenAIProviders(settings)
    return RulesOnly(RulesProvider())
