"""Ichimoku: the middles of three windows, and the cloud as it is drawn at this candle."""

from __future__ import annotations

from engine.compiled import kernel
from engine.indicators.definition import IndicatorDef, Param, Params
from engine.indicators.state import HIGH, LOW, Now, Out, Past, Ring, State
from engine.indicators.windows import highest, lowest
from engine.ranges import POSITIVE

COUNT, QUICK_HIGH, QUICK_LOW, SLOW_HIGH, SLOW_LOW, SPAN_A, SPAN_B = range(7)


def _first(params: Params) -> int:
    return int(max(params) + params[1]) - 1


@kernel
def _middle(ring: Ring, past: Past, end: int, n: int) -> float:
    """Return the middle of the range of the n candles before number `end`."""
    return (highest(ring, past[0], past[1], end, n) + lowest(ring, past[0], past[1], end, n)) / 2.0


@kernel
def form(st: State, p: State, now: Now, ring: Ring, past: Past, out: Out, at: int) -> None:
    """Write conversion, base, span_a, span_b; all wait for the last of them."""
    if st[COUNT] + 1.0 < max(p[0], max(p[1], p[2])) + p[1] - 1.0:
        out[at] = out[at + 1] = out[at + 2] = out[at + 3] = float("nan")
        return
    out[at] = (max(st[QUICK_HIGH], now[HIGH]) + min(st[QUICK_LOW], now[LOW])) / 2.0
    out[at + 1] = (max(st[SLOW_HIGH], now[HIGH]) + min(st[SLOW_LOW], now[LOW])) / 2.0
    out[at + 2] = st[SPAN_A]
    out[at + 3] = st[SPAN_B]


@kernel
def advance(st: State, p: State, now: Now, ring: Ring, past: Past) -> None:
    """Find the windows of the next candle, and the cloud that was drawn ahead for it, base - 1 candles before."""
    st[COUNT] += 1.0
    off, cap, k = past[0], past[1], past[2]
    quick, slow, span = int(p[0]), int(p[1]), int(p[2])
    if st[COUNT] + 1.0 < max(p[0], max(p[1], p[2])) + p[1] - 1.0:
        return
    st[QUICK_HIGH], st[QUICK_LOW] = highest(ring, off, cap, k, quick - 1), lowest(ring, off, cap, k, quick - 1)
    st[SLOW_HIGH], st[SLOW_LOW] = highest(ring, off, cap, k, slow - 1), lowest(ring, off, cap, k, slow - 1)
    end = k + 1 - (slow - 1)
    st[SPAN_A] = (_middle(ring, past, end, quick) + _middle(ring, past, end, slow)) / 2.0
    st[SPAN_B] = _middle(ring, past, end, span)


DEFINITION = IndicatorDef(
    name="ICHIMOKU",
    params=(Param("conversion", 9), Param("base", 26), Param("span", 52)),
    outputs=("conversion", "base", "span_a", "span_b"),
    first_value=_first,
    stable=_first,
    window=_first,
    form=form,
    advance=advance,
    source="middles of highest and lowest; the cloud is drawn base candles ahead, its own the first (G. Hosoda)",
    summary="Ichimoku: conversion and base line, and the cloud (span_a, span_b) as it is drawn at this candle.",
    ranges=(POSITIVE,),
)
