"""Operands: `price`, `close@1h`, `RSI`, `SMA_50@1h`, `MACD.histogram`, `BBANDS_20_2.upper@15m`."""

from __future__ import annotations

import re
from typing import Literal

from engine.condition import FIELDS, TIMEFRAMES, Operand, Timeframe
from engine.grammar.fields import Problems, near, number_of
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.registry import INDICATORS

_OPERAND = re.compile(
    r"(?P<name>[A-Za-z]+)"
    r"(?P<numbers>(?:_[0-9]+(?:\.[0-9]+)?)*)"
    r"(?:\.(?P<output>[A-Za-z][A-Za-z0-9_]*))?"
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
    """Return the numbers of `_12_26_9`, the defaults of an empty text, as the canonical name shows them.

    None when something was reported.
    """
    example = _example(definition)
    if not text:
        if definition.defaults is None:
            problems.add(path, definition.name, f"{definition.name} needs a period: {example}")
            return None
        return definition.written(definition.defaults)
    params = definition.fill([float(part) for part in text[1:].split("_")])
    if params is None:
        problems.add(path, definition.name + text, f"{definition.name} {_counts(definition)}")
        return None
    wrong = [said for p, n in zip(definition.params, params, strict=True) if (said := _wrong(definition, p, n))]
    if not wrong and (said := definition.problem(params)):
        wrong.append(said)
    for said in wrong:
        problems.add(path, definition.name + text, said)
    return None if wrong else definition.written(params)


def _wrong(definition: IndicatorDef, param: Param, given: float) -> str:
    number = number_of(given)
    if number is None or not param.minimum <= number <= param.maximum:
        return f"the {param.name} of {definition.name} goes from {param.minimum:g} to {param.maximum:g}"
    if param.is_integer and number != int(number):
        return f"the {param.name} of {definition.name} is whole"
    if number != round(number, 4):
        # The column's name shows six digits: two numbers must never share a name.
        return f"at most four decimals, as in {_example(definition)}"
    return ""


def _counts(definition: IndicatorDef) -> str:
    """Return how many numbers an indicator takes, with an example of each form."""
    wanted = len(definition.params)
    if not wanted:
        return "takes no number"
    implied = sum(p.implied is not None for p in definition.params)
    if not implied:
        return f"takes {wanted}, as in {_example(definition)}"
    names = "_".join(p.name for p in definition.params)
    return f"takes {wanted - implied}, as in {_example(definition)}, or {wanted}: {definition.name}_{names}"


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
    defaults = definition.defaults or tuple(p.default or 20 for p in definition.params)
    numbers = definition.written(defaults)
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
