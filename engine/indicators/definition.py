"""What an indicator is: its name, numbers, outputs and how many candles it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Params = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Param:
    """One number of an indicator. `default` None means it must be given; bounds are inclusive."""

    name: str
    default: float | None
    minimum: float = 2
    maximum: float = 1000
    is_integer: bool = True


def _no_problem(params: Params) -> str:
    del params
    return ""


@dataclass(frozen=True, slots=True)
class IndicatorDef:
    """One line of the registry.

    `outputs` is empty where there is one value, else the names after the dot, in kernel order.
    `first_value(params)` is the number of candles (the forming one included) at which the first value
    stands. `stable(params)` is the number from which at most 0.1 % of the seed is left (T18); equal to
    `first_value` where nothing is seeded. `window(params)` is how many closed candles `advance` reads.
    `problem(params)` says what is wrong with numbers that are each within their bounds, or "".
    """

    name: str
    kind: int
    """Number of the kernel's branch; never reused."""
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    first_value: Callable[[Params], int]
    stable: Callable[[Params], int]
    window: Callable[[Params], int]
    summary: str
    talib_name: str = ""
    signals: tuple[str, ...] = ()
    problem: Callable[[Params], str] = _no_problem

    @property
    def defaults(self) -> Params | None:
        """The numbers of the bare name, or None where one must be given."""
        given = tuple(p.default for p in self.params)
        return None if None in given else tuple(d for d in given if d is not None)

    @property
    def width(self) -> int:
        return max(1, len(self.outputs))
