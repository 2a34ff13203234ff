"""The canonical name of an indicator's output, read back: `MACD_12_26_9.line` → what it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.indicators.definition import IndicatorDef, Params
from engine.indicators.registry import INDICATORS


@dataclass(frozen=True, slots=True)
class Column:
    """One output of one indicator. `params` are all its numbers, implied ones too; `index` is the output's place
    in the kernel's row."""

    definition: IndicatorDef
    params: Params
    index: int

    @property
    def curve(self) -> int:
        """Which curve in the forming close it is (`engine.indicators.curves`)."""
        return self.definition.curve_of(self.index)


@lru_cache(maxsize=4096)
def parse_column(text: str) -> Column:
    """Read a canonical column name, all numbers given: `SMA_20`, `BBANDS_20_2.upper`.

    Raises:
        ValueError: unknown indicator or output, wrong count of numbers; the text says which.
    """
    head, _, output = text.partition(".")
    # BBANDS_20_2.5.upper: a number may itself have a point.
    if output and output[0].isdigit():
        whole, _, output = text.rpartition(".")
        head = whole
        if output and output[0].isdigit():
            head, output = text, ""
    name, *numbers = head.split("_")
    definition = INDICATORS.get(name)
    if definition is None:
        raise ValueError(f"unknown indicator {name!r} in {text!r}; there is {', '.join(INDICATORS)}")
    try:
        params = tuple(float(n) for n in numbers)
    except ValueError:
        raise ValueError(f"{text!r}: what stands between _ must be numbers") from None
    filled = definition.fill(params) if params or not definition.params else None
    if filled is None:
        raise ValueError(f"{text!r}: {name} takes {len(definition.params)} numbers, found {len(params)}")
    outputs = definition.outputs or ("",)
    if output not in outputs:
        raise ValueError(f"{text!r}: {name} has the outputs {', '.join(o or 'none' for o in outputs)}")
    return Column(definition, filled, outputs.index(output))


def columns_of(name: str) -> tuple[str, ...]:
    """Return the canonical columns of all outputs of an indicator: `MACD` → `MACD_12_26_9.line`, ...

    Args:
        name: The indicator with its numbers, or bare where it has defaults: "SMA_20", "RSI".

    Raises:
        ValueError: unknown, or numbers missing.
    """
    head, *numbers = name.split("_")
    definition = INDICATORS.get(head)
    if definition is None:
        raise ValueError(f"unknown indicator {head!r}; there is {', '.join(INDICATORS)}")
    if not numbers:
        if definition.defaults is None:
            raise ValueError(f"{head} needs its numbers, as in {head}_20")
        head = head + "".join(f"_{d:g}" for d in definition.written(definition.defaults))
    else:
        head = name
    columns = tuple(f"{head}.{output}" for output in definition.outputs) or (head,)
    parse_column(columns[0])
    return columns
