"""The `rules` provider: deterministic answers to the same questions, from typed facts, without key or network.

It stands where a model stands (the same crews and flows run on it), and says so in every output: `rules/v1`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel

from agents.llm import rules_bias, rules_report, rules_strategy
from agents.llm.facts import FACTS, BiasFacts, Facts, ReportFacts, StrategyFacts
from agents.llm.meter import METER
from agents.llm.views import (
    BiasView,
    EntryView,
    InvalidationView,
    PatternView,
    PlanView,
    SentimentView,
    SummaryView,
    TrendView,
)
from agents.prompt import Prompt

LABEL = "rules/v1"
M = TypeVar("M", bound=BaseModel)

_BIAS: dict[type[BaseModel], Callable[[BiasFacts], BaseModel]] = {
    TrendView: rules_bias.trend,
    SentimentView: rules_bias.sentiment,
    BiasView: rules_bias.bias,
}
_STRATEGY: dict[type[BaseModel], Callable[[StrategyFacts], BaseModel]] = {
    PatternView: rules_strategy.patterns,
    EntryView: rules_strategy.entry,
    InvalidationView: rules_strategy.invalidation,
    PlanView: rules_strategy.plan,
}
_REPORT: dict[type[BaseModel], Callable[[ReportFacts], BaseModel]] = {SummaryView: rules_report.summary}


def answer(kind: type[M], facts: Facts) -> M:
    """Return the answer of one role to the facts of a step.

    Raises:
        LookupError: no rule answers this question on these facts.
    """
    match facts:
        case BiasFacts():
            view = _BIAS[kind](facts)
        case StrategyFacts():
            view = _STRATEGY[kind](facts)
        case ReportFacts():
            view = _REPORT[kind](facts)
    return cast("M", view)


class RulesLLM(BaseLLM):
    """What a crew sees. Which question is asked follows from the model the answer must fit."""

    def call(
        self,
        messages: object,
        tools: object = None,
        callbacks: object = None,
        available_functions: object = None,
        from_task: object = None,
        from_agent: object = None,
        response_model: type[BaseModel] | None = None,
    ) -> object:
        del messages, tools, callbacks, available_functions, from_agent
        kind = response_model or cast("type[BaseModel] | None", getattr(from_task, "output_pydantic", None))
        if kind is None:
            raise LookupError("the rules answer only questions whose answer has a model")
        METER.get().free_call("rules", LABEL)
        view = answer(kind, FACTS.get())
        return view if response_model else view.model_dump_json()

    async def acall(self, *args: object, **kwargs: object) -> object:
        return self.call(*args, **kwargs)  # pyright: ignore[reportArgumentType]

    def supports_function_calling(self) -> bool:
        return False

    def get_context_window_size(self) -> int:
        return 1_000_000


class RulesProvider:
    label = LABEL

    def crew_llm(self, temperature: float) -> BaseLLM:
        del temperature
        return RulesLLM(model=LABEL)

    def complete(self, prompt: Prompt, evidence: str, kind: type[M], *, temperature: float) -> M:
        del prompt, evidence, temperature
        METER.get().free_call("rules", LABEL)
        return answer(kind, FACTS.get())

    def reaction(self, error: Exception) -> Exception:
        return error
