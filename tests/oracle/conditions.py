"""Conditions as written, and what each comparison says (T1-T4, T8). Only valid JSON comes here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

NAN = float("nan")
_NAME = re.compile(r"([A-Za-z]+)((?:_[0-9]+(?:\.[0-9]+)?)*)(?:\.([a-z][a-z0-9_]*))?")
"""SMA_20, BBANDS_20_2.5.upper, ICHIMOKU_9_26_52.span_a"""
FIELDS = ("price", "open", "high", "low", "close", "volume", "vwap")
TRUE, FALSE, UNKNOWN = True, False, None
Truth = bool | None
DEFAULTS: dict[str, tuple[float, ...]] = {
    "RSI": (14,), "ATR": (14,), "MACD": (12, 26, 9), "BBANDS": (20, 2), "STOCH": (14, 1, 3), "ADX": (14,),
    "ROC": (10,), "OBV": (), "AD": (), "TR": (), "VWAP": (), "PIVOT": (), "SAR": (0.02, 0.2),
}  # fmt: skip
SIDES = {"MACD": ("line", "signal"), "STOCH": ("k", "d"), "STOCHRSI": ("k", "d")}


@dataclass(frozen=True)
class Operand:
    """`timeframe` is "" for price, which belongs to no candle."""

    name: str
    params: tuple[float, ...]
    output: str
    timeframe: str

    @property
    def is_field(self) -> bool:
        return self.name in FIELDS

    def __str__(self) -> str:
        # STOCH_14_3 is STOCH_14_1_3: a smoothing of one is none.
        params = self.params
        if self.name in SIDES and self.name != "MACD" and params[-2] == 1:
            params = (*params[:-2], params[-1])
        numbers = "".join(f"_{p:g}" for p in params)
        output = f".{self.output}" if self.output else ""
        timeframe = f"@{self.timeframe}" if self.timeframe else ""
        return f"{self.name}{numbers}{output}{timeframe}"


Value = Operand | float


@dataclass(frozen=True)
class Leaf:
    path: str
    left: Operand
    operator: str
    right: Value
    upper: Value | None
    timeframe: str
    hysteresis: float
    within: int
    candles: int


@dataclass(frozen=True)
class Group:
    kind: str
    children: tuple[Leaf | Group, ...]


Condition = Leaf | Group


def read_operand(text: str, timeframe: str) -> Operand:
    head, _, own = text.partition("@")
    found = _NAME.fullmatch(head)
    assert found is not None, text
    name, numbers, output = found[1], found[2], found[3] or ""
    if name == "price":
        return Operand("price", (), "", "")
    if name in FIELDS:
        return Operand(name, (), "", own or timeframe)
    params = tuple(float(p) for p in numbers.split("_")[1:]) or DEFAULTS[name]
    if len(params) == {"STOCH": 2, "STOCHRSI": 3}.get(name):
        params = (*params[:-1], 1.0, params[-1])
    return Operand(name, params, output, own or timeframe)


def read_value(value: Any, timeframe: str) -> Value:
    return read_operand(value, timeframe) if isinstance(value, str) else float(value)


def read_leaf(data: dict[str, Any], path: str, trigger_timeframe: str, own: str | None) -> Leaf:
    timeframe = own or trigger_timeframe
    if "signal" in data:
        left, right, operator = read_signal(data, timeframe)
        return Leaf(path, left, operator, right, None, own or left.timeframe or timeframe, 0.0,
                    data.get("within_candles", 1), 0)  # fmt: skip
    left = read_operand(data.get("operand") or data["indicator"], timeframe)
    value: Any = data["value"]
    bounds = cast("list[Any]", value) if isinstance(value, list) else [value]
    upper = read_value(bounds[1], timeframe) if len(bounds) > 1 else None
    return Leaf(
        path, left, data["operator"], read_value(bounds[0], timeframe), upper, own or left.timeframe or timeframe,
        float(data.get("hysteresis", 0.0)), data.get("within_candles", 1), data.get("candles", 0),
    )  # fmt: skip


def read_signal(data: dict[str, Any], timeframe: str) -> tuple[Operand, Operand, str]:
    """Return the two sides and the crossing that a signal stands for."""
    signal = data["signal"]
    if signal in ("golden_cross", "death_cross"):
        name, _, own = data.get("indicator", "SMA").partition("@")
        fast, slow = (
            Operand(name, (float(data.get(key, period)),), "", own or timeframe)
            for key, period in (("fast", 50), ("slow", 200))
        )
        return fast, slow, "crosses_above" if signal == "golden_cross" else "crosses_below"
    head, at, own = data["indicator"].partition("@")
    over, under = (read_operand(f"{head}.{side}{at}{own}", timeframe) for side in SIDES[head.partition("_")[0]])
    return over, under, "crosses_above" if signal == "bullish_crossover" else "crosses_below"


def read_node(data: dict[str, Any], path: str, timeframe: str) -> Condition:
    dot = f"{path}." if path else ""
    for kind in ("all", "any"):
        if kind in data:
            children = [read_node(item, f"{dot}{kind}[{i}]", timeframe) for i, item in enumerate(data[kind])]
            return Group(kind, tuple(children))
    if "not" in data:
        return Group("not", (read_node(data["not"], f"{dot}not", timeframe),))
    return read_leaf(data, path, timeframe, data.get("timeframe"))


def read_condition(agent_type: str, config: dict[str, Any], timeframe: str) -> Condition:
    if agent_type == "price_trigger":
        return read_leaf({"operand": "price", **config}, "config", timeframe, None)
    if "conditions" in config:
        kind = "any" if config.get("logic") == "OR" else "all"
        items = [read_node(item, f"conditions[{i}]", timeframe) for i, item in enumerate(config["conditions"])]
        return Group(kind, tuple(items))
    return read_node({k: v for k, v in config.items() if k in ("all", "any", "not")}, "", timeframe)


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, Leaf):
        yield condition
    else:
        for child in condition.children:
            yield from leaves_of(child)


def kleene(condition: Condition, results: dict[str, Truth]) -> Truth:
    """Three values (T3): results of the leaves by path."""
    if isinstance(condition, Leaf):
        return results[condition.path]
    found = [kleene(child, results) for child in condition.children]
    if condition.kind == "not":
        return UNKNOWN if found[0] is UNKNOWN else not found[0]
    decisive = condition.kind == "any"  # one TRUE decides any, one FALSE decides all
    if any(x is decisive for x in found):
        return decisive
    return UNKNOWN if any(x is UNKNOWN for x in found) else not decisive


@dataclass
class Sides:
    """Left, right and upper value of a leaf at one evaluation; NaN is UNKNOWN."""

    left: float = NAN
    right: float = NAN
    upper: float = NAN

    def are_known(self, leaf: Leaf) -> bool:
        needed = [self.left, self.right, *([self.upper] if leaf.upper is not None else [])]
        return not any(math.isnan(x) for x in needed)


@dataclass
class LeafMemory:
    """What a leaf remembers from one evaluation to the next."""

    before: Sides = field(default_factory=Sides)
    """At the last evaluation before this one at which both sides were known."""
    now: Sides = field(default_factory=Sides)
    crossed_at: int | None = None
    """Number of the leaf's candle in which it crossed, while the latch stands."""
    is_held: bool = False
    """TRUE and not yet back by the hysteresis."""
    result: Truth = UNKNOWN

    def forget(self) -> None:
        """Previous values are gone; latches survive (T8)."""
        self.before, self.now = Sides(), Sides()


def judge(leaf: Leaf, memory: LeafMemory, now: Sides, candle: int) -> Truth:
    """Evaluate one leaf (T4, T8). `candle` counts the leaf's candles, the current one included."""
    if memory.now.are_known(leaf):
        memory.before = memory.now
    memory.now = now
    memory.result = _judged(leaf, memory, now, candle) if now.are_known(leaf) else UNKNOWN
    return memory.result


def _judged(leaf: Leaf, memory: LeafMemory, now: Sides, candle: int) -> bool:
    left, right, h = now.left, now.right, leaf.hysteresis
    if leaf.operator in ("inside", "outside"):
        return (right <= left <= now.upper) == (leaf.operator == "inside")
    if leaf.operator == "rises_by_pct":
        return left >= right
    if leaf.operator == "falls_by_pct":
        return left <= right
    is_upward = leaf.operator in (">", ">=", "crosses_above")
    is_back = left <= right - h if is_upward else left >= right + h
    if leaf.operator.startswith("crosses"):
        before = memory.before
        if memory.crossed_at is not None and (is_back or candle - memory.crossed_at >= leaf.within):
            memory.crossed_at = None
        if before.are_known(leaf):
            if is_upward and before.left <= before.right and left > right:
                memory.crossed_at = candle
            if not is_upward and before.left >= before.right and left < right:
                memory.crossed_at = candle
        return memory.crossed_at is not None
    compare: dict[str, Callable[[float, float], bool]] = {
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
    }
    holds = compare[leaf.operator](left, right)
    if h > 0 and memory.is_held:
        holds = not is_back
    memory.is_held = holds
    return holds
