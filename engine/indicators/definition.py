"""What an indicator is: its name, numbers, outputs and how many candles it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.compiled import kernel
from engine.indicators.curves import NO_CURVE, set_unknown
from engine.indicators.state import Curve, Now, Out, Past, Ring, State
from engine.ranges import ANY, Range

Params = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Param:
    """One number of an indicator. `default` None means it must be given; bounds are inclusive.

    With `implied` the number may be left out where all others are written: `STOCH_14_3` is `STOCH_14_1_3`.
    """

    name: str
    default: float | None
    minimum: float = 2
    maximum: float = 1000
    is_integer: bool = True
    implied: float | None = None


Form = Callable[[State, State, Now, Ring, Past, Out, int], None]
"""state, params, now, ring, past, out, at: writes the outputs to out[at], out[at + 1], ... (a kernel)."""
Advance = Callable[[State, State, Now, Ring, Past], None]
"""state, params, now, ring, past; the ring has the candle already (a kernel)."""
Fix = Callable[[State, State, Curve], None]
"""state, params, curve: writes the numbers of the curve (a kernel)."""


@kernel
def no_curve(st: State, p: State, curve: Curve) -> None:
    set_unknown(curve)


def _none(params: Params) -> int:
    del params
    return 0


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
    `signals` are the names a leaf's `signal` may have; `sides` the two outputs that `bullish_crossover` and
    `bearish_crossover` compare. `ranges` are the numbers each output can be: one for all, or one an output.
    """

    name: str
    params: tuple[Param, ...]
    outputs: tuple[str, ...]
    first_value: Callable[[Params], int]
    stable: Callable[[Params], int]
    window: Callable[[Params], int]
    summary: str
    form: Form
    """Writes the value(s) the indicator would have if the candle `now` closed now."""
    advance: Advance
    """Takes the closed candle `now`, the newest of `past`, into the state."""
    talib_name: str = ""
    signals: tuple[str, ...] = ()
    problem: Callable[[Params], str] = _no_problem
    sides: tuple[str, str] | None = None
    ranges: tuple[Range, ...] = ()
    reads_volume: bool = False
    source: str = ""
    """Where the formula is from, where it is not TA-Lib's."""
    deviation: str = ""
    """In what it is not TA-Lib's, although it bears TA-Lib's name (T18)."""
    curves: tuple[int, ...] = ()
    """Which curve in the forming close each output is: one for all, or one an output; none need be. Of a LINE the
    engine finds the numbers itself, from two values of `form`, which must read nothing of the candle but its close."""
    fix: Fix = no_curve
    """Writes the numbers of the outputs' curves that are no lines."""
    hidden: int = 0
    """Further numbers that `form` writes behind the outputs, for itself; nobody can name them."""
    own_past: Callable[[Params], int] = _none
    """How many of its own last closed outputs `advance` reads (`past[3:]`), each of all its numbers."""
    reads_session: bool = False
    """Whether `p` has one number more behind its own: a time of day (ms, UTC) at which no session is open."""
    is_cumulative: bool = False
    """Whether its level depends on where its history starts, as that of OBV does."""

    @property
    def formula(self) -> str:
        """Where its formula is written down."""
        return self.source or f"TA-Lib {self.talib_name}"

    @property
    def defaults(self) -> Params | None:
        """The numbers of the bare name, or None where one must be given."""
        given = tuple(p.default for p in self.params)
        return None if None in given else tuple(float(d) for d in given if d is not None)

    @property
    def width(self) -> int:
        return max(1, len(self.outputs)) + self.hidden

    def fill(self, numbers: Sequence[float]) -> Params | None:
        """Return all numbers where some or all are written, None where their count fits no form.

        None written are the defaults; the implied ones may be missing together.
        """
        if not numbers and self.params:
            return self.defaults
        if len(numbers) == len(self.params):
            return tuple(float(n) for n in numbers)
        if len(numbers) != sum(p.implied is None for p in self.params):
            return None
        given = iter(numbers)
        return tuple(float(next(given) if p.implied is None else p.implied) for p in self.params)

    def written(self, params: Params) -> Params:
        """Return the numbers that the canonical name shows: without the implied ones where they are as implied."""
        implied = [(p.implied, n) for p, n in zip(self.params, params, strict=True) if p.implied is not None]
        if any(known != n for known, n in implied):
            return params
        return tuple(n for p, n in zip(self.params, params, strict=True) if p.implied is None)

    def curve_of(self, index: int) -> int:
        """Return which curve an output is."""
        if len(self.curves) > 1:
            return self.curves[index]
        return self.curves[0] if self.curves else NO_CURVE

    def range_of(self, output: str) -> Range:
        """Return the numbers an output can be; "" where there is one value."""
        if len(self.ranges) > 1:
            return self.ranges[self.outputs.index(output)]
        return self.ranges[0] if self.ranges else ANY
