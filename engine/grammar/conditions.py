"""Conditions: the tree of groups, and the leaves with operator and value, or with a signal."""

from __future__ import annotations

from typing import Literal, cast

from engine.condition import TIMEFRAMES, Condition, Group, Leaf, Operand, Operator, Timeframe
from engine.grammar.fields import Fields, Problems, near, number_of, number_problem
from engine.grammar.operands import number_text, parse_operand, parse_params
from engine.indicators.registry import INDICATORS

MAX_DEPTH = 8
MAX_LEAVES = 64

LEVELS: tuple[Operator, ...] = (">", ">=", "<", "<=")
RANGES: tuple[Operator, ...] = ("inside", "outside")
CROSSES: tuple[Operator, ...] = ("crosses_above", "crosses_below")
CHANGES: tuple[Operator, ...] = ("rises_by_pct", "falls_by_pct")
OPERATORS: tuple[Operator, ...] = (*LEVELS, *CROSSES, *RANGES, *CHANGES)

_Kind = Literal["all", "any", "not"]
_GROUPS: tuple[_Kind, ...] = ("all", "any", "not")
_CROSSOVERS: dict[str, Operator] = {
    "bullish_crossover": "crosses_above",
    "bearish_crossover": "crosses_below",
}
_AVERAGES: dict[str, Operator] = {"golden_cross": "crosses_above", "death_cross": "crosses_below"}
SIGNALS = (*_CROSSOVERS, *_AVERAGES)


def indicators_with(signal: str) -> list[str]:
    """Return the names of the indicators that have a signal."""
    return [definition.name for definition in INDICATORS.values() if signal in definition.signals]


class ConditionReader:
    """Reads one condition tree; counts its leaves."""

    def __init__(self, problems: Problems, timeframe: Timeframe) -> None:
        """Take the trigger's timeframe: that of leaves without their own."""
        self._problems = problems
        self._timeframe: Timeframe = timeframe
        self._leaves = 0

    def read_top(self, fields: Fields) -> Condition | None:
        """Return the condition of a technical trigger: `conditions` with `logic`, or one group."""
        for key in (*_GROUPS, "conditions"):
            fields.allow(key)
        logic = fields.choice("logic", ("AND", "OR"), "AND")
        given = [key for key in ("conditions", *_GROUPS) if fields.has(key)]
        if len(given) > 1:
            fields.add(given[1], f"write one of {', '.join(given)}, not several")
            return None
        if not given:
            self._problems.add_missing(fields.at("conditions"), "write conditions, a list, or one of all, any, not")
            return None
        key = given[0]
        if key != "conditions" and fields.has("logic"):
            fields.add("logic", f"logic goes with conditions; {key} says it already")
        kind: _Kind = cast(_Kind, key)
        if key == "conditions":
            kind = "any" if logic == "OR" else "all"
        return self._read_group(kind, fields.data[key], fields.at(key), depth=1)

    def read_leaf(self, fields: Fields, path: str) -> Leaf | None:
        """Return one comparison or signal. The caller finishes `fields`."""
        self._leaves += 1
        if self._leaves == MAX_LEAVES + 1:
            self._problems.add(path, self._leaves, f"at most {MAX_LEAVES} comparisons in one trigger")
        if fields.has("signal"):
            return self._read_signal(fields, path)
        return self._read_comparison(fields, path)

    def _read_node(self, value: object, path: str, depth: int) -> Condition | None:
        if not isinstance(value, dict):
            self._problems.add(path, value, "write a comparison, or one of all, any, not")
            return None
        fields = Fields(cast("dict[str, object]", value), path, self._problems)
        given: list[_Kind] = [key for key in _GROUPS if fields.has(key)]
        if not given:
            leaf = self.read_leaf(fields, path)
            fields.finish()
            return leaf
        fields.allow(given[0])
        fields.finish()
        key = given[0]
        return self._read_group(key, fields.data[key], fields.at(key), depth)

    def _read_group(self, kind: _Kind, value: object, path: str, depth: int) -> Group | None:
        if depth > MAX_DEPTH:
            self._problems.add(path, depth, f"groups go at most {MAX_DEPTH} deep")
            return None
        if kind == "not":
            child = self._read_node(value, path, depth + 1)
            return None if child is None else Group("not", (child,))
        if not isinstance(value, list):
            self._problems.add(path, value, "write a list of comparisons or groups")
            return None
        items = cast("list[object]", value)
        if not items:
            self._problems.add(path, items, "a group needs at least one comparison")
        children = [self._read_node(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(items)]
        known = tuple(child for child in children if child is not None)
        return Group(kind, known) if items and len(known) == len(items) else None

    def _leaf_timeframe(self, fields: Fields) -> Timeframe | None:
        """Return the leaf's own timeframe, None where it has none."""
        if not fields.has("timeframe"):
            fields.allow("timeframe")
            return None
        own: Timeframe = fields.choice("timeframe", TIMEFRAMES, self._timeframe)
        return own

    def _read_comparison(self, fields: Fields, path: str) -> Leaf | None:
        own = self._leaf_timeframe(fields)
        left = self._read_left(fields, own or self._timeframe)
        operator = self._read_operator(fields)
        hysteresis = fields.number("hysteresis", default=0.0, at_least=0)
        within = fields.integer("within_candles", default=1, at_least=1, at_most=1000)
        candles = fields.integer("candles", default=0, at_least=1, at_most=1000)
        value = fields.take("value")
        if operator is None:
            return None
        if fields.has("hysteresis") and operator not in (*LEVELS, *CROSSES):
            fields.add("hysteresis", f"hysteresis needs one threshold; {operator} has none")
        if within > 1 and operator not in CROSSES:
            fields.add("within_candles", f"goes with {' and '.join(CROSSES)}; {operator} looks at now")
        if operator not in CHANGES and fields.has("candles"):
            fields.add("candles", f"goes with {' and '.join(CHANGES)}; for crossings see within_candles")
        if operator in CHANGES and not fields.has("candles"):
            fields.add("candles", f"{operator} needs candles: how many candles back, as in 6")
        if value is None:
            fields.add("value", "write value, or signal")
            return None
        values = self._read_values(operator, value, fields, own or self._timeframe)
        if left is None or values is None:
            return None
        right, upper = values
        timeframe = own or left.timeframe or self._timeframe
        return Leaf(path, left, operator, right, upper, timeframe, hysteresis, within, candles)

    def _read_left(self, fields: Fields, timeframe: Timeframe) -> Operand | None:
        operand, indicator = fields.take("operand"), fields.take("indicator")
        if operand is not None and indicator is not None:
            fields.add("indicator", "write operand or indicator, not both")
            return None
        if operand is None and indicator is None:
            fields.add("operand", "write operand or indicator, as in price, RSI_14")
            return None
        key = "operand" if operand is not None else "indicator"
        value = operand if operand is not None else indicator
        return parse_operand(value, fields.at(key), self._problems, timeframe=timeframe)

    def _read_operator(self, fields: Fields) -> Operator | None:
        value = fields.take("operator")
        for operator in OPERATORS:
            if value == operator and isinstance(value, str):
                return operator
        hint = near(value, OPERATORS) if isinstance(value, str) else ""
        fields.add("operator", "one of " + ", ".join(OPERATORS) + hint)
        return None

    def _read_values(
        self, operator: Operator, value: object, fields: Fields, timeframe: Timeframe
    ) -> tuple[Operand | float, Operand | float | None] | None:
        path = fields.at("value")
        if operator in CHANGES:
            number = number_of(value)
            if number is None or number <= 0:
                said = number_problem(value) if number is None else "more than 0"
                fields.add("value", f"{said}: the change in percent")
                return None
            return number, None
        if operator not in RANGES:
            one = self._read_value(value, path, timeframe)
            return None if one is None else (one, None)
        if not isinstance(value, list) or len(cast("list[object]", value)) != 2:
            fields.add("value", f"{operator} needs two: [lo, hi]")
            return None
        low_value, high_value = cast("list[object]", value)
        low = self._read_value(low_value, f"{path}[0]", timeframe)
        high = self._read_value(high_value, f"{path}[1]", timeframe)
        if low is None or high is None:
            return None
        if isinstance(low, float) and isinstance(high, float) and low > high:
            self._problems.add(path, [low_value, high_value], f"lo is above hi: write [{high:g}, {low:g}]")
            return None
        return low, high

    def _read_value(self, value: object, path: str, timeframe: Timeframe) -> Operand | float | None:
        if isinstance(value, str) and not number_text(value):
            return parse_operand(value, path, self._problems, timeframe=timeframe)
        number = number_of(value)
        if number is None:
            self._problems.add(path, value, number_problem(value) + ", or an operand such as SMA_50@1h")
        return number

    def _read_signal(self, fields: Fields, path: str) -> Leaf | None:
        own = self._leaf_timeframe(fields)
        within = fields.integer("within_candles", default=1, at_least=1, at_most=1000)
        signal = fields.take("signal")
        name = fields.take("indicator")
        for key in ("value", "operator"):
            if fields.has(key):
                fields.allow(key)
                fields.add(key, f"a signal takes no {key}: write signal, or operator and value")
        if not isinstance(signal, str) or signal not in SIGNALS:
            hint = near(signal, SIGNALS) if isinstance(signal, str) else ""
            fields.allow("fast", "slow")
            fields.add("signal", "one of " + ", ".join(SIGNALS) + hint)
            return None
        if signal in _AVERAGES:
            sides = self._read_averages(fields, name, signal, own or self._timeframe)
        else:
            sides = self._read_crossover(fields, name, signal, own or self._timeframe)
        if sides is None:
            return None
        operator = _AVERAGES.get(signal) or _CROSSOVERS[signal]
        timeframe = own or sides[0].timeframe or self._timeframe
        return Leaf(path, sides[0], operator, sides[1], timeframe=timeframe, within_candles=within)

    def _read_crossover(
        self, fields: Fields, name: object, signal: str, timeframe: Timeframe
    ) -> tuple[Operand, Operand] | None:
        known = indicators_with(signal)
        if not isinstance(name, str) or not name:
            fields.add("indicator", f"{signal} is a signal of {', '.join(known)}")
            return None
        definition = INDICATORS.get(name.partition("@")[0].partition("_")[0])
        if definition is None or definition.sides is None or signal not in definition.signals:
            better = "use crosses_above or crosses_below with a value"
            fields.add("indicator", f"{signal} is a signal of {', '.join(known)}; {better}")
            return None
        head, at, tail = name.partition("@")
        over, under = (
            parse_operand(f"{head}.{output}{at}{tail}", fields.at("indicator"), self._problems, timeframe=timeframe)
            for output in definition.sides
        )
        if over is None or under is None:
            # Both sides have the same fault; one report of it is enough.
            del self._problems.found[-1]
            return None
        return over, under

    def _read_averages(
        self, fields: Fields, name: object, signal: str, timeframe: Timeframe
    ) -> tuple[Operand, Operand] | None:
        fast = fields.integer("fast", default=50, at_least=2, at_most=1000)
        slow = fields.integer("slow", default=200, at_least=2, at_most=1000)
        bare = "SMA" if name is None else name
        known = indicators_with(signal)
        if not isinstance(bare, str) or bare.partition("@")[0] not in known:
            fields.add("indicator", f"{' or '.join(known)}; the periods are fast and slow")
            return None
        if fast >= slow:
            fields.add("fast", f"below slow, which is {slow}")
            return None
        head, _, own = bare.partition("@")
        if "@" in bare and own not in TIMEFRAMES:
            fields.add("indicator", "one of " + ", ".join("@" + t for t in TIMEFRAMES))
            return None
        at = cast(Timeframe, own) if own else timeframe
        definition = INDICATORS[head]
        params = [
            parse_params(definition, f"_{period}", fields.at("indicator"), self._problems) for period in (fast, slow)
        ]
        if params[0] is None or params[1] is None:
            return None
        return Operand(head, params[0], "", at), Operand(head, params[1], "", at)
