"""What a token costs: the price library's table, which our configuration may override."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from genai_prices import Usage as LibraryUsage
from genai_prices import calc_price

from core.errors import ConfigError

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cache_read_tokens` are contained in `input_tokens`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


class Prices:
    def __init__(self, overrides: str = "") -> None:
        """Take overrides as `MODEL=INPUT/OUTPUT[/CACHED]`, comma-separated, USD per million tokens.

        Input that came from the server's cache costs `CACHED`, or as other input where none is given.

        Raises:
            ConfigError: a pair cannot be read.
        """
        self._own: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
        for pair in filter(None, (p.strip() for p in overrides.split(","))):
            model, _, numbers = pair.partition("=")
            try:
                found = [Decimal(number) / MILLION for number in numbers.split("/")]
            except InvalidOperation:
                found = []
            if len(found) not in (2, 3):
                raise ConfigError(f"TAPEWATCH_LLM_PRICES: found {pair!r}; write MODEL=INPUT/OUTPUT or …/CACHED")
            self._own[model.strip()] = (found[0], found[1], found[2] if len(found) > 2 else found[0])

    def of(self, model: str, usage: Usage) -> Decimal:
        """Return what a call costs, USD.

        Raises:
            ConfigError: nobody knows the model's price.
        """
        own = self._own.get(model)
        if own is not None:
            fresh = usage.input_tokens - usage.cache_read_tokens
            return fresh * own[0] + usage.output_tokens * own[1] + usage.cache_read_tokens * own[2]
        counted = LibraryUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
        )
        try:
            return calc_price(counted, model, provider_id="openai").total_price
        except LookupError:
            raise ConfigError(
                f"no price is known for model {model!r}; set TAPEWATCH_LLM_PRICES={model}=INPUT/OUTPUT "
                "(USD per million tokens)"
            ) from None

    def check(self, *models: str) -> None:
        """Raise `ConfigError` for the first model without a price."""
        for model in models:
            self.of(model, Usage(1, 1, 0))
