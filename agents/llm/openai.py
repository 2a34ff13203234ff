"""The OpenAI provider, for any server that speaks its chat API; metered where the bytes leave.

CrewAI's own token counts are wrong when agents share a model, and a rejected answer is billed and not counted:
so tokens are read from each HTTP answer. Retries are the runner's: the client makes none.
"""

from __future__ import annotations

import threading

import httpx
import msgspec
import openai
import pydantic
from crewai.llms.base_llm import BaseLLM
from crewai.llms.hooks.base import BaseInterceptor
from crewai.llms.hooks.transport import HTTPTransport
from crewai.llms.providers.openai.completion import OpenAICompletion

from agents.llm.meter import METER
from agents.llm.prices import Prices, Usage
from agents.llm.provider import RULES, M, ModelFails, NoSuchModel, Provider
from agents.llm.rules import RulesProvider
from agents.prompt import Prompt
from core.errors import BadModelOutput, ConfigError, Unavailable
from core.settings import Settings

_CHARACTERS_A_TOKEN = 3
"""English has about four; too many tokens are reserved rather than too few."""
_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6")
"""Models whose API refuses a temperature."""


class _CachedTokens(msgspec.Struct):
    cached_tokens: int | None = 0


class _UsageBody(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _CachedTokens | None = None


class _Answer(msgspec.Struct):
    model: str = ""
    usage: _UsageBody | None = None


class _Question(msgspec.Struct):
    model: str = ""
    max_completion_tokens: int | None = None


class MeteringInterceptor(BaseInterceptor[httpx.Request, httpx.Response]):
    """Reserves before a request leaves, settles by what the answer says of its usage."""

    def __init__(self, max_output_tokens: int) -> None:
        self._max_output_tokens = max_output_tokens

    def on_outbound(self, message: httpx.Request) -> httpx.Request:
        body = message.read()
        question = msgspec.json.decode(body, type=_Question)
        METER.get().begin_call(
            question.model,
            input_tokens=len(body) // _CHARACTERS_A_TOKEN,
            max_output_tokens=question.max_completion_tokens or self._max_output_tokens,
        )
        return message

    def on_inbound(self, message: httpx.Response) -> httpx.Response:
        answer = _read(message.read())
        METER.get().end_call(status=message.status_code, usage=_usage(answer.usage), model_answered=answer.model)
        return message


class OpenAIProvider:
    """One model of one server. Threads share it."""

    def __init__(self, settings: Settings, model: str) -> None:
        self.label = model
        self._settings = settings
        self._model = model
        self._interceptor = MeteringInterceptor(settings.llm_max_output_tokens)
        self._crew_llms: dict[float, OpenAICompletion] = {}
        self._lock = threading.Lock()
        self._client = openai.OpenAI(
            api_key=settings.openai_api_key.get_secret_value(),
            base_url=settings.openai_base_url,
            timeout=settings.llm_timeout_ms / 1000,
            max_retries=0,
            http_client=httpx.Client(transport=HTTPTransport(interceptor=self._interceptor, limits=_limits(settings))),
        )

    def crew_llm(self, temperature: float) -> BaseLLM:
        with self._lock:
            made = self._crew_llms.get(temperature)
            if made is None:
                made = self._crew_llms[temperature] = self._made(temperature)
        return made

    def close(self) -> None:
        """Close connections that are kept open for the next call."""
        self._client.close()

    def _made(self, temperature: float) -> OpenAICompletion:
        """Return a model for crews, on the connections that direct questions use. Kept: making one takes 0.1 s."""
        made = OpenAICompletion(
            model=self._model,
            base_url=self._settings.openai_base_url,
            api_key=self._settings.openai_api_key.get_secret_value(),
            temperature=temperature if self._takes_temperature() else None,
            timeout=self._settings.llm_timeout_ms / 1000,
            max_retries=0,
            max_completion_tokens=self._settings.llm_max_output_tokens,
            interceptor=self._interceptor,
        )
        made._get_sync_client().close()  # pyright: ignore[reportPrivateUsage] - it makes one of its own and takes no other
        made._client = self._client  # pyright: ignore[reportPrivateUsage]
        return made

    def complete(self, prompt: Prompt, evidence: str, kind: type[M], *, temperature: float) -> M:
        try:
            answer = self._client.chat.completions.parse(
                model=self._model,
                messages=[
                    {"role": "system", "content": f"You are {prompt.role}. {prompt.backstory}\n{prompt.goal}"},
                    {"role": "user", "content": prompt.fill(evidence=evidence)},
                ],
                response_format=kind,
                max_completion_tokens=self._settings.llm_max_output_tokens,
                temperature=temperature if self._takes_temperature() else openai.omit,
            )
        except (openai.OpenAIError, pydantic.ValidationError) as error:
            raise self.reaction(error) from None
        message = answer.choices[0].message if answer.choices else None
        if message is None or message.parsed is None:
            raise BadModelOutput(f"{self._model} gave no answer: {message.refusal if message else 'no choice'}")
        return message.parsed

    def reaction(self, error: Exception) -> Exception:
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return ConfigError(f"the model server refuses the key ({error.status_code}); see OPENAI_API_KEY")
            case openai.NotFoundError():
                return NoSuchModel(f"the model server refuses the request ({error.status_code}): {error.message}")
            case openai.BadRequestError() | openai.UnprocessableEntityError():
                return ConfigError(f"the model server refuses the request ({error.status_code}): {error.message}")
            case openai.RateLimitError():
                return ModelFails("the model server limits our requests (429)")
            case openai.APIStatusError():
                return ModelFails(f"the model server fails ({error.status_code})")
            case openai.APIConnectionError() | ConnectionError() | TimeoutError() | httpx.HTTPError():
                return Unavailable("the model server does not answer")
            case openai.LengthFinishReasonError() | openai.ContentFilterFinishReasonError():
                return BadModelOutput(f"{self._model} broke off its answer ({type(error).__name__})")
            case pydantic.ValidationError():
                return BadModelOutput(_first_problem(error))
            case ValueError() if isinstance(error.__cause__, openai.OpenAIError):
                # CrewAI wraps some of the client's errors.
                return self.reaction(error.__cause__)
            case ValueError():
                # What CrewAI says of an answer that has no text.
                return BadModelOutput(f"{self._model} gave no usable answer ({error})")
            case _:
                return error

    def _takes_temperature(self) -> bool:
        return not self._model.startswith(_REASONING)


class OpenAIProviders:
    """Providers of a server, one a model, made when first asked for."""

    def __init__(self, settings: Settings) -> None:
        """Check that every configured model has a price.

        Raises:
            ConfigError: it has none.
        """
        Prices(settings.llm_prices).check(settings.llm_model, settings.llm_report_model)
        self._settings = settings
        self._rules = RulesProvider()
        self._made: dict[str, OpenAIProvider] = {}
        self._lock = threading.Lock()

    def choose(self, model: str | None, *, report: bool = False) -> Provider:
        name = model or (self._settings.llm_report_model if report else self._settings.llm_model)
        if name == RULES:
            return self._rules
        with self._lock:
            made = self._made.get(name)
            if made is None:
                made = self._made[name] = OpenAIProvider(self._settings, name)
        return made

    def close(self) -> None:
        """Close the connections of all providers."""
        for provider in self._made.values():
            provider.close()


def _limits(settings: Settings) -> httpx.Limits:
    """Return the limits of a pool in which every thread of a worker finds its connection again; 20 would be kept."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=settings.worker_threads * 2)


def _read(body: bytes) -> _Answer:
    """Return what an answer says of model and usage; an answer that is no such JSON says nothing."""
    try:
        return msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError:
        return _Answer()


def _usage(body: _UsageBody | None) -> Usage:
    if body is None:
        return Usage()
    cached = body.prompt_tokens_details.cached_tokens if body.prompt_tokens_details else 0
    # No more came from the cache than came in, whatever a server says: the rest is charged as fresh.
    return Usage(body.prompt_tokens, body.completion_tokens, min(cached or 0, body.prompt_tokens))


def _first_problem(error: pydantic.ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the answer"
    return f"{where}: {problem['msg']}"
