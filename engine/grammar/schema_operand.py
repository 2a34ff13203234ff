"""What an operand can be, as JSON Schema: one choice for the fields and one for each indicator of the registry."""

from __future__ import annotations

from engine.condition import FIELDS, TIMEFRAMES
from engine.indicators.definition import IndicatorDef
from engine.indicators.registry import INDICATORS

_TIMEFRAME = f"(@({'|'.join(TIMEFRAMES)}))?"
_NUMBER = r"_[0-9]+(\.[0-9]+)?"


def operand_schema() -> dict[str, object]:
    """Return the schema of an operand written as text. Each choice has a title, a description and examples."""
    return {
        "title": "Operand",
        "anyOf": [field_schema(), *(_indicator(definition) for definition in INDICATORS.values())],
    }


def field_schema() -> dict[str, object]:
    """Return the schema of the price or a field of a candle."""
    of_candle = "|".join(name for name in FIELDS if name != "price")
    return {
        "title": "Price or candle", "type": "string", "pattern": f"^(price|({of_candle}){_TIMEFRAME})$",
        "examples": list(FIELDS), "description": "The last price, or a field of the candle.",
    }  # fmt: skip


def example_of(definition: IndicatorDef, output: str = "") -> str:
    """Return how an indicator is written, with its defaults or 20 where a number is needed: `SMA_20`, `MACD.line`."""
    numbers = "" if definition.defaults is not None else "".join(f"_{p.default or 20:g}" for p in definition.params)
    return definition.name + numbers + (f".{output}" if output else "")


def _indicator(definition: IndicatorDef) -> dict[str, object]:
    return {
        "title": definition.name,
        "type": "string",
        "pattern": f"^{definition.name}{_numbers(definition)}{_outputs(definition)}{_TIMEFRAME}$",
        "examples": [example_of(definition, output) for output in definition.outputs or ("",)],
        "description": definition.summary + _said(definition),
    }


def _numbers(definition: IndicatorDef) -> str:
    """Return the pattern of the numbers: none where there are defaults, the implied ones left out or written."""
    most = len(definition.params)
    least = sum(p.implied is None for p in definition.params)
    if not most:
        return ""
    written = f"({_NUMBER}){{{least},{most}}}"
    return f"({written})?" if definition.defaults is not None else written


def _outputs(definition: IndicatorDef) -> str:
    return rf"\.({'|'.join(definition.outputs)})" if definition.outputs else ""


def _said(definition: IndicatorDef) -> str:
    bounds = [
        f"{p.name} {p.minimum:g} to {p.maximum:g}" + (f", {p.default:g} if left out" if p.default is not None else "")
        for p in definition.params
    ]
    return f" Numbers: {'; '.join(bounds)}." if bounds else ""
