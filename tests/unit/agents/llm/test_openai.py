"""CrewAI's real client and the OpenAI SDK against a server that speaks the protocol and can misbehave."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from agents.crew import Role, run_crew
from agents.llm.meter import METER, BudgetExceeded
from agents.llm.openai import OpenAIProvider, OpenAIProviders
from agents.llm.prices import Prices, Usage
from agents.llm.views import BiasView, SentimentView, SummaryView, TrendView
from agents.prompt import load
from core.errors import BadModelOutput, ConfigError, Unavailable
from core.settings import Settings
from tests.kit.llm_server import Behaviour, LlmServer

# CrewAI reads its own deprecated fields, and puts answers of another form into them.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]

ROLES = (
    Role(load("bias/market_analyst"), TrendView),
    Role(load("bias/sentiment_analyst"), SentimentView),
    Role(load("bias/synthesizer"), BiasView),
)


@dataclass(slots=True)
class Recorder:
    """Notes what the interceptor tells; refuses calls after `allowed`."""

    allowed: int = 100
    begun: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    ended: list[tuple[int, Usage]] = field(default_factory=list[tuple[int, Usage]])

    def begin_call(self, model: str, *, input_tokens: int, max_output_tokens: int) -> None:
        if len(self.begun) >= self.allowed:
            raise BudgetExceeded("budget")
        self.begun.append((model, input_tokens, max_output_tokens))

    def end_call(self, *, status: int, usage: Usage, model_answered: str = "") -> None:
        del model_answered
        self.ended.append((status, usage))

    def free_call(self, provider: str, model: str) -> None:
        raise AssertionError(f"{provider} {model} is not free")


@pytest.fixture
def server() -> Generator[LlmServer]:
    made = LlmServer(values={"bias": "bullish", "trend": "bullish"}).start()
    yield made
    made.close()


@pytest.fixture
def recorder() -> Recorder:
    made = Recorder()
    METER.set(made)
    return made


def settings_for(server: LlmServer, **changes: object) -> Settings:
    return Settings.model_validate(
        {"openai_api_key": "k", "openai_base_url": server.url, "llm_timeout_ms": 500, **changes}
    )


def ask_crew(server: LlmServer) -> BiasView:
    with closing(OpenAIProvider(settings_for(server), "gpt-5-mini")) as provider:
        answer = run_crew(ROLES, '{"price": 1}', provider, temperature=0.2)[-1]
    assert isinstance(answer, BiasView)
    return answer


def ask_once(server: LlmServer, **changes: object) -> SummaryView:
    with closing(OpenAIProvider(settings_for(server, **changes), "gpt-5-mini")) as provider:
        return provider.complete(load("report/summary"), "{}", SummaryView, temperature=0)


def test_a_crew_makes_one_strict_call_a_role_and_each_is_metered(server: LlmServer, recorder: Recorder) -> None:
    assert ask_crew(server).confidence == 75
    assert [c.schema for c in server.calls] == ["TrendView", "SentimentView", "BiasView"]
    assert [u.input_tokens for _, u in recorder.ended] == [c.input_tokens for c in server.calls]
    assert [u.output_tokens for _, u in recorder.ended] == [c.output_tokens for c in server.calls]
    assert recorder.ended[0][1].cache_read_tokens == 16
    assert all(limit == 4000 for _, _, limit in recorder.begun)


def test_more_tokens_are_reserved_than_are_used(server: LlmServer, recorder: Recorder) -> None:
    ask_crew(server)
    for (_, reserved, _), (_, used) in zip(recorder.begun, recorder.ended, strict=True):
        assert reserved >= used.input_tokens


def test_a_direct_question_is_one_call(server: LlmServer, recorder: Recorder) -> None:
    view = ask_once(server)
    assert view.title == "as the evidence shows"
    assert len(recorder.ended) == len(server.calls) == 1


def test_a_call_over_the_budget_is_not_made(server: LlmServer, recorder: Recorder) -> None:
    recorder.allowed = 1
    with pytest.raises(BudgetExceeded):
        ask_crew(server)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("behaviour", "reaction", "calls"),
    [
        ("401", ConfigError, 1),
        ("not_found", ConfigError, 1),
        ("500", Unavailable, 1),
        ("429", Unavailable, 3),
        ("invalid_json", BadModelOutput, 1),
        ("schema_violation", BadModelOutput, 1),
        ("empty", BadModelOutput, 2),
        ("tools", BadModelOutput, 2),
        ("cut", Unavailable, 1),
        ("slow", Unavailable, 1),
    ],
)
def test_each_failure_has_its_reaction_and_every_call_is_recorded(
    server: LlmServer, recorder: Recorder, behaviour: Behaviour, reaction: type[Exception], calls: int
) -> None:
    server.always = behaviour
    with pytest.raises(reaction):
        ask_crew(server)
    assert len(recorder.begun) == calls
    if behaviour not in ("slow", "cut"):
        assert len(recorder.ended) == len(server.calls) == calls


@pytest.mark.parametrize("behaviour", ["500", "invalid_json", "schema_violation", "empty"])
def test_a_direct_question_fails_the_same_way(server: LlmServer, recorder: Recorder, behaviour: Behaviour) -> None:
    server.always = behaviour
    with pytest.raises((Unavailable, BadModelOutput)):
        ask_once(server)


def test_no_secret_stands_in_an_error(server: LlmServer, recorder: Recorder) -> None:
    server.always = "401"
    with pytest.raises(ConfigError) as refused:
        ask_once(server, openai_api_key="sk-very-secret")
    assert "sk-very" not in str(refused.value)


def test_a_model_without_a_price_is_refused_at_the_start(server: LlmServer) -> None:
    settings = Settings.model_validate({"openai_api_key": "k", "llm_model": "my-own"})
    with pytest.raises(ConfigError, match="TAPEWATCH_LLM_PRICES=my-own"):
        OpenAIProviders(settings)
    priced = settings.model_copy(update={"llm_prices": "my-own=1/2"})
    assert OpenAIProviders(priced).choose(None).label == "my-own"
    assert OpenAIProviders(priced).choose("rules").label == "rules/v1"


def test_prices_are_exact_decimals() -> None:
    assert str(Prices().of("gpt-5-mini", Usage(1000, 100))) == "0.00045"
    assert Prices("m=1/2").of("m", Usage(1_000_000, 500_000)) == 2
    with pytest.raises(ConfigError, match="MODEL=INPUT/OUTPUT"):
        Prices("m=cheap")


def test_input_from_the_cache_has_its_own_price() -> None:
    used = Usage(1_000_000, 500_000, cache_read_tokens=400_000)
    assert Prices("m=1/2/0.1").of("m", used) == Decimal("1.64")
    assert Prices("m=1/2").of("m", used) == 2
    assert Prices().of("gpt-5-mini", used) == Decimal("1.16")
    with pytest.raises(ConfigError, match="MODEL=INPUT/OUTPUT"):
        Prices("m=1/2/3/4")
