"""The page of all indicators, made of the registry: `python -m engine.indicators.page > docs/indicators.md`."""

from __future__ import annotations

import sys

from engine.indicators.definition import IndicatorDef
from engine.indicators.registry import INDICATORS

_HEAD = """\
# Indicators

Made by `python -m engine.indicators.page` of the [registry](../engine/indicators/registry.py); a test keeps it true.

A condition names an indicator with its numbers, an output after a dot where there are several, and a timeframe after
an @: `SMA_50@1h`, `MACD.histogram`, `BBANDS_20_2.upper@15m`. *First value* is the candle, the forming one included, at
which there is a value; from *stable* on at most 0.1 % of where the history began is left in it. Every value is right
after every trade: what it would be if the candle closed now.

| indicator | what it is | outputs | first value | stable | formula |
|---|---|---|---|---|---|
"""
_DEVIATIONS = """
## Where TA-Lib says otherwise

Closed and forming values equal TA-Lib's to 1e-9, on recorded candles and on extremes, but for these. 0/0 is unknown
here: a rule that reads \"RSI below 30\" shall not fire on a market that has not moved.

| indicator | deviation |
|---|---|
"""


def page() -> str:
    """Return the page, ending with a line break."""
    rows = "".join(_row(definition) for definition in INDICATORS.values())
    deviations = "".join(f"| `{d.name}` | {d.deviation} |\n" for d in INDICATORS.values() if d.deviation)
    return _HEAD + rows + _DEVIATIONS + deviations


def _row(definition: IndicatorDef) -> str:
    example = definition.defaults
    numbers = example if example is not None else tuple(20.0 for _ in definition.params)
    written = "_".join([definition.name, *(f"{n:g}" for n in definition.written(numbers))])
    outputs = ", ".join(f"`.{output}`" for output in definition.outputs) or "one value"
    bare = "" if example is not None else " (its number must be given)"
    cells = (
        f"`{written}`{bare}", definition.summary, outputs, str(definition.first_value(numbers)),
        str(definition.stable(numbers)), definition.formula,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
