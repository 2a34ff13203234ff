"""A trigger that is judged only when a threshold is passed fires exactly as one that is judged at every trade.

Each condition is set twice: once as it is, and once beside a comparison that is always true and of a kind for
which the matcher has no thresholds, so that it is judged at every trade.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.condition import TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.firing import Firing
from engine.output import Output
from tests.unit.engine.tape import SYMBOL, at, player, price, trades, trigger

QUICK = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
EVERY_TRADE = {"operand": "close@1m", "operator": ">=", "value": "close@1m", "hysteresis": 1}
LEVELS = st.sampled_from([98.0, 99.0, 99.5, 100.0, 100.5, 101.0, 102.0])
ONE_SIDED = (">", ">=", "<", "<=", "crosses_above", "crosses_below")
OPERANDS = ("price", "close@5m", "high@1m", "low@5m", "vwap@1m")
INDICATORS = ("SMA_2@1m", "EMA_3@1m", "BBANDS_2_1.upper@1m")


def _left(name: str) -> dict[str, Any]:
    return {"indicator" if name in INDICATORS else "operand": name}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    left = draw(st.sampled_from(OPERANDS + INDICATORS))
    leaf: dict[str, Any]
    shape = draw(st.sampled_from(["number", "number", "operand", "range", "pct"]))
    if shape == "number":
        leaf = {"operator": draw(st.sampled_from(ONE_SIDED)), "value": draw(LEVELS)}
        if draw(st.booleans()):
            leaf["hysteresis"] = draw(st.sampled_from([0.5, 1.0]))
    elif shape == "operand":
        leaf = {"operator": draw(st.sampled_from(ONE_SIDED)), "value": draw(st.sampled_from(OPERANDS + INDICATORS))}
    elif shape == "range":
        low = draw(LEVELS | st.sampled_from(["SMA_2@1m", "low@5m"]))
        high = draw(st.sampled_from([102.0, 103.0, "high@5m"]))
        leaf = {"operator": draw(st.sampled_from(["inside", "outside"])), "value": [low, high]}
    else:
        operator = draw(st.sampled_from(["rises_by_pct", "falls_by_pct"]))
        leaf = {"operator": operator, "value": draw(st.sampled_from([0.5, 1, 2])), "candles": draw(st.integers(1, 2))}
    if str(leaf["operator"]).startswith("crosses"):
        leaf["timeframe"] = draw(st.sampled_from(["1m", "5m"]))
        leaf["within_candles"] = draw(st.integers(1, 3))
    return {**_left(left), **leaf}


def _negated(node: dict[str, Any]) -> dict[str, Any]:
    return {"not": node}


def _group(kind: str, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {kind: nodes}


def _groups(child: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from(["all", "any"])
    return st.builds(_negated, child) | st.builds(_group, kinds, st.lists(child, min_size=1, max_size=3))


CONDITIONS = st.recursive(leaves(), _groups, max_leaves=4)
COMMON = st.fixed_dictionaries(
    {"fire": st.just("every_edge")},
    optional={
        "hold": st.sampled_from([{"seconds": 20}, {"trades": 2}, {"trades": 3}]),
        "after_gap": st.just("fire"),
        "valid_from": st.just("2025-03-10T10:02:00+00:00"),
    },
)


@dataclass
class Found:
    """What an engine gave, by trigger, without what tells the two forms apart."""

    seen: dict[str, list[object]] = field(default_factory=dict[str, list[object]])

    def take(self, output: Output) -> None:
        for firing in output.firings:
            self._note(firing, "")
        for suppression in output.suppressions:
            self._note(suppression.firing, suppression.reason)

    def _note(self, firing: Firing, reason: str) -> None:
        name, form = firing.trigger_id.removeprefix("p/").split("-")
        evidence = firing.evidence
        own = evidence.leaves[:-1] if form == "plain" else evidence.leaves
        sides = [(x.operator, x.left, x.right, x.upper, x.result) for x in own]
        is_gap = "gap" in evidence.flags
        what = (reason, firing.ts_ms, firing.decided_ms, firing.price, firing.kind, is_gap, evidence.trade, sides)
        self.seen.setdefault(f"{name}-{form}", []).append(what)


def pair(name: str, condition: dict[str, Any], common: dict[str, Any]) -> list[TriggerSpec]:
    forms = {"indexed": [condition], "plain": [condition, EVERY_TRADE]}
    return [
        trigger({"all": nodes, **common}, agent_type="technical_trigger", node_id=f"{name}-{form}")
        for form, nodes in forms.items()
    ]


def changes(action: Any, name: str, specs: dict[str, list[TriggerSpec]]) -> list[TriggerChange]:
    return [TriggerChange(action, s.trigger_id, s if action == "set" else None) for s in specs[name]]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("trade"), st.integers(0, 50_000), st.integers(196, 206)),
        st.tuples(st.just("trade"), st.integers(0, 9_000), st.integers(196, 206)),
        st.tuples(st.just("trade"), st.integers(0, 9_000), st.integers(199, 203)),
        st.tuples(st.sampled_from(["pause", "resume", "remove", "set"]), st.integers(0, 3), st.just(0)),
        st.tuples(st.sampled_from(["lost", "restore"]), st.just(0), st.just(0)),
    ),
    min_size=5,
    max_size=60,
)


@QUICK
@given(st.lists(st.tuples(CONDITIONS, COMMON), min_size=1, max_size=4), STEPS)
def test_a_trigger_woken_by_thresholds_does_what_one_judged_at_every_trade_does(
    configs: list[tuple[dict[str, Any], dict[str, Any]]], steps: list[tuple[str, int, int]]
) -> None:
    config = EngineConfig(is_offline=True)
    engine = Engine(config)
    specs = {str(n): pair(str(n), condition, common) for n, (condition, common) in enumerate(configs)}
    found = Found()
    now = at("10:00:00")
    for name in specs:
        found.take(engine.apply(changes("set", name, specs)))
    for what, a, b in steps:
        if what == "trade":
            now += a
            found.take(engine.on_trades(trades(engine, [(SYMBOL, now, b / 2.0, 1.0 + a % 3, 7, 0)])))
        elif what == "lost":
            found.take(engine.on_mark(now, recv_ms=now, health="stale"))
            found.take(engine.on_mark(now, recv_ms=now, health="live"))
        elif what == "restore":
            engine = Engine.restore(engine.snapshot(), config)
        elif str(a) in specs:
            found.take(engine.apply(changes(what, str(a), specs), at_ms=now))
    for name in specs:
        assert found.seen.get(f"{name}-indexed") == found.seen.get(f"{name}-plain")


def test_a_crossing_ends_with_its_candle_though_no_value_moves() -> None:
    spec = trigger(
        {"not": {"operand": "price", "operator": "crosses_above", "value": 100}, "fire": "every_edge"},
        agent_type="technical_trigger",
    )
    played = player(spec).prints(("10:00:05", 99), ("10:00:30", 101), ("10:00:40", 101), ("10:01:05", 101))
    assert played.fired_at() == ["10:01:05"]


def test_a_crossing_of_two_candles_ends_with_the_second() -> None:
    leaf = {"operand": "price", "operator": "crosses_above", "value": 100, "within_candles": 2}
    spec = trigger({"not": leaf, "fire": "every_edge"}, agent_type="technical_trigger")
    played = player(spec).prints(("10:00:05", 99), ("10:00:30", 101), ("10:01:05", 101), ("10:02:05", 101))
    assert played.fired_at() == ["10:02:05"]


def test_a_removed_trigger_leaves_the_crossings_of_others_alone() -> None:
    config = {"not": {"operand": "price", "operator": "crosses_above", "value": 100}, "fire": "every_edge"}
    specs = [trigger(config, agent_type="technical_trigger", node_id=f"n{n}") for n in range(3)]
    played = player(*specs).prints(("10:00:05", 99), ("10:00:30", 101))
    played.change("remove", "p/n1").prints(("10:01:05", 101))
    assert sorted(f.trigger_id for f in played.firings) == ["p/n0", "p/n2"]


def test_a_threshold_changed_a_thousand_times_is_kept_once() -> None:
    played = player()
    for version in range(1, 1001):
        played.set(trigger(price(">", 100 + version, fire="every_edge"), version=version))
        played.trade(at("10:00:00") + version, 100.0)
    played.prints(("10:00:05", 1099), ("10:00:06", 1100), ("10:00:07", 1101))
    assert played.fired_at() == ["10:00:07"]
