"""Operands: `price`, `close@1h`, `RSI`, `SMA_50@1h`, `MACD.histogram`, `BBANDS_20_2.upper@15m`."""

from __future__ import annotations

import re
from typing import Literal

from engine.condition import FIELDS, TIMEFRAMES, Operand, Timeframe
from engine.grammar.fields import Problems, near, number_of
from engine.indicators.definition import IndicatorDef, Params
from engine.indicators.registry import INDICATORS

_OPERAND = re.compile(
    r"(?P<name>[A-Za-z]+)"
    r"(?P<numbers>(?:_[0-9]+(?:\.[0-9]+)?)*)"
    r"(?:\.(?P<output>[A-Za-z_]+))?"
    r"(?:@(?P<timeframe>[^@]*))?"
)
_QUOTES = ("bid", "ask", "mid")
_ONE_SYMBOL = "reserved: a trigger reads one symbol, its pipeline's; write the operand alone"


def parse_operand(value: object, path: str, problems: Problems, *, timeframe: Timeframe) -> Operand | None:
    """Return the operand with defaults and timeframe filled in; None when something was reported.

    `timeframe` is that of an operand without its own.
    """
    if not isinstance(value, str):
        problems.add(path, value, "write an operand, as in price, RSI_14, SMA_50@1h")
        return None
    match = _OPERAND.fullmatch(value) if len(value) <= 100 else None
    if match is None:
        problems.add(path, value, _unreadable(value))
        return None
    own = _timeframe(match["timeframe"], path, problems)
    name = match["name"]
    if name in FIELDS:
        if match["numbers"] or match["output"]:
            problems.add(path, value, f"{name} takes no numbers and has no outputs")
        elif name == "price" and match["timeframe"] is not None:
            problems.add(path, value, "price belongs to no candle: write price, or close@TIMEFRAME")
        elif own is not None:
            return Operand(name, timeframe="" if name == "price" else own or timeframe)
        return None
    definition = INDICATORS.get(name)
    if definition is None:
        problems.add(path, value, _unknown(name, match["output"]))
        return None
    params = parse_params(definition, match["numbers"], path, problems)
    output = _output(definition, match["output"], path, problems, value)
    if params is None or output is None or own is None:
        return None
    return Operand(name, params, output, own or timeframe)


def indicator_problem(name: str) -> str:
    """Return what is wrong with an indicator named without output and timeframe ("RSI", "MACD_12_26_9"), as
    a market data agent lists them, each with all its outputs; "" when nothing is."""
    match = _OPERAND.fullmatch(name) if len(name) <= 100 else None
    if match is None:
        return "write NAME or NAME_numbers, as in RSI, SMA_20, MACD"
    definition = INDICATORS.get(match["name"])
    if definition is None:
        return f"unknown; known are {', '.join(INDICATORS)}" + near(match["name"], INDICATORS)
    if match["output"] or match["timeframe"] is not None:
        return f"write {definition.name} and its numbers alone: all outputs, on each timeframe"
    problems = Problems()
    parse_params(definition, match["numbers"], "", problems)
    return problems.found[0].expected if problems.found else ""


def parse_params(definition: IndicatorDef, text: str, path: str, problems: Problems) -> Params | None:
    """Return the numbers of `_12_26_9`, the defaults of an empty text; None when reported."""
    example = _example(definition)
    if not text:
        if definition.defaults is None:
            problems.add(path, definition.name, f"{definition.name} needs a period: {example}")
            return None
        return tuple(float(number) for number in definition.defaults)
    texts = text[1:].split("_")
    if len(texts) != len(definition.params):
        wanted = len(definition.params)
        said = "takes no number" if wanted == 0 else f"takes {wanted}, as in {example}"
        problems.add(path, definition.name + text, f"{definition.name} {said}")
        return None
    numbers: list[float] = []
    for param, part in zip(definition.params, texts, strict=True):
        number = number_of(float(part))
        if number is None or not param.minimum <= number <= param.maximum:
            wanted = f"from {param.minimum:g} to {param.maximum:g}"
            problems.add(path, definition.name + text, f"the {param.name} of {definition.name} goes {wanted}")
        elif param.is_integer and number != int(number):
            problems.add(path, definition.name + text, f"the {param.name} of {definition.name} is whole")
        elif number != round(number, 4):
            # The column's name shows six digits: two numbers must never share a name.
            problems.add(path, definition.name + text, f"at most four decimals, as in {example}")
        else:
            numbers.append(number)
    if len(numbers) < len(texts):
        return None
    params = tuple(numbers)
    if wrong := definition.problem(params):
        problems.add(path, definition.name + text, wrong)
        return None
    return params


def _timeframe(text: str | None, path: str, problems: Problems) -> Timeframe | Literal[""] | None:
    """Return the timeframe, "" where there is none, None when it was reported."""
    if text is None:
        return ""
    for known in TIMEFRAMES:
        if text == known:
            return known
    problems.add(path, f"@{text}", "one of " + ", ".join("@" + t for t in TIMEFRAMES))
    return None


def _output(definition: IndicatorDef, text: str | None, path: str, problems: Problems, value: str) -> str | None:
    """Return the output's name, "" where the indicator has one value, None when reported."""
    names = " ".join("." + output for output in definition.outputs)
    if not definition.outputs:
        if text is None:
            return ""
        problems.add(path, value, f"{definition.name} has one value and no outputs")
    elif text is None:
        problems.add(path, value, f"{definition.name} has {names}: write {definition.name}{names.split()[0]}")
    elif text in definition.outputs:
        return text
    else:
        problems.add(path, value, f"{definition.name} has {names}" + near(text, definition.outputs))
    return None


def _example(definition: IndicatorDef) -> str:
    numbers = definition.defaults or tuple(p.default or 20 for p in definition.params)
    return definition.name + "".join(f"_{n:g}" for n in numbers)


def _unknown(name: str, output: str | None) -> str:
    if name in _QUOTES:
        return "reserved: the feed has no quotes, write price"
    if output in FIELDS:
        return _ONE_SYMBOL
    known = [*FIELDS, *INDICATORS]
    return f"unknown; known are {', '.join(known)}" + near(name, known)


def _unreadable(value: str) -> str:
    if "[" in value:
        return "reserved: values of earlier candles cannot be named; see rises_by_pct and candles"
    if ":" in value:
        return _ONE_SYMBOL
    if number_text(value):
        return "write the number without quotes"
    return "write FIELD, or NAME_numbers.output@timeframe, as in price, RSI_14, MACD.line@15m"


def number_text(value: str) -> bool:
    """Return whether a text is a number that somebody put in quotes."""
    try:
        float(value)
    except ValueError:
        return False
    return True
