"""From an indicator's kind to its kernel, compiled into the hot loop.

A call through a pointer would cost more than most indicators do, so `form`, `advance` and `fix` are chains of branches,
one for each line of the registry, into which the kernels are inlined. The chains are written here from the registry:
an indicator is one file and one line there.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.compiled import kernel
from engine.indicators.registry import INDICATORS, KINDS
from engine.indicators.state import Curve, Now, Out, Past, Ring, State

Form = Callable[[int, State, State, Now, Ring, Past, Out, int], None]
Advance = Callable[[int, State, State, Now, Ring, Past], None]
Fix = Callable[[int, State, State, Curve], None]


def _chain(name: str, arguments: str, kernels: dict[str, object]) -> object:
    """Return a function `name(kind, *arguments)` that calls the kernel of that kind."""
    lines = [f"def {name}(kind, {arguments}):"]
    for indicator, kind in KINDS.items():
        lines += [f"    {'elif' if kind else 'if'} kind == {kind}:", f"        {indicator}({arguments})"]
    # numba keeps machine code beside the file that a function says it is from.
    names = {"__name__": __name__, **kernels}
    exec(compile("\n".join(lines), __file__, "exec"), names)  # noqa: S102
    return names[name]


_form = _chain("form", "st, p, now, ring, past, out, at", {d.name: d.form for d in INDICATORS.values()})
_advance = _chain("advance", "st, p, now, ring, past", {d.name: d.advance for d in INDICATORS.values()})
_fix = _chain("fix", "st, p, curve", {d.name: d.fix for d in INDICATORS.values()})
form: Form = kernel(_form)  # type: ignore[arg-type]
"""kind, state, params, now, ring, past, out, at: write the value(s) as if the candle `now` closed now."""
advance: Advance = kernel(_advance)  # type: ignore[arg-type]
"""kind, state, params, now, ring, past: take the closed candle `now`, the newest of `past`, into the state."""
fix: Fix = kernel(_fix)  # type: ignore[arg-type]
"""kind, state, params, curve: write the numbers of the curve of an output that is no line."""
