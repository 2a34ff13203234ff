"""A crew asks each member once, and takes nothing but an answer of its form."""

from __future__ import annotations

import threading

import pytest
from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel, Field

from agents.crew import Role, run_crew
from agents.llm.rules import RulesProvider
from agents.llm.views import BiasView, SentimentView, View
from agents.prompt import load
from core.errors import BadModelOutput

# CrewAI reads its own deprecated fields.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SENTIMENT = SentimentView(control="buyers", is_stretched=False, observations=["volume rises"])
BIAS = BiasView.model_validate({"bias": "bullish", "confidence": 70, "reasoning": "It rises.", "factors": []})
ROLES = (Role(load("bias/sentiment_analyst"), SentimentView), Role(load("bias/synthesizer"), BiasView))


class _Model(BaseLLM):
    """Gives one answer after the other, and keeps what it was asked."""

    answers: list[object]
    asked: list[str] = Field(default_factory=list[str])

    def call(
        self, messages: object, *args: object, response_model: type[BaseModel] | None = None, **_: object
    ) -> object:
        del args
        self.asked.append(f"{response_model.__name__ if response_model else ''} {messages}")
        return self.answers.pop(0)

    async def acall(self, *_args: object, **_: object) -> object:
        raise AssertionError("a crew asks from the thread of its step")


class _Provider(RulesProvider):
    def __init__(self, *answers: object) -> None:
        self.model = _Model(model="test", answers=list(answers))

    def crew_llm(self, temperature: float) -> BaseLLM:
        del temperature
        return self.model


def _ask(provider: _Provider) -> tuple[View, ...]:
    return run_crew(ROLES, '{"price": 64000}', provider, temperature=0)


def test_each_member_is_asked_once_with_the_evidence_and_the_answers_before() -> None:
    provider = _Provider(SENTIMENT, BIAS)
    assert _ask(provider) == (SENTIMENT, BIAS)
    first, second = provider.model.asked
    assert first.startswith("SentimentView")
    assert '"price": 64000' in first
    assert second.startswith("BiasView")
    assert "volume rises" in second


def test_text_in_place_of_an_answer_ends_the_crew_without_a_second_question() -> None:
    provider = _Provider("I am sure it rises.", SENTIMENT, BIAS)
    with pytest.raises(BadModelOutput, match="text"):
        _ask(provider)
    assert len(provider.model.asked) == 1


def test_an_answer_of_another_form_is_refused() -> None:
    with pytest.raises(BadModelOutput, match="no BiasView"):
        _ask(_Provider(SENTIMENT, SENTIMENT))


def test_a_crew_leaves_no_thread_behind_for_each_member() -> None:
    _ask(_Provider(SENTIMENT, BIAS))
    before = threading.active_count()
    for _ in range(3):
        _ask(_Provider(SENTIMENT, BIAS))
    assert threading.active_count() <= before + 1
