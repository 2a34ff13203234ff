"""Triggers by the hundred thousand: one is parsed, the others are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from engine.condition import Group, Leaf, TriggerChange, TriggerSpec
from engine.grammar import parse_trigger

TEN_INDICATORS = (
    "SMA_20", "SMA_50", "EMA_12", "EMA_26", "RSI_14", "MACD.line", "MACD.signal", "BBANDS.upper", "BBANDS.lower",
    "ATR_14",
)  # fmt: skip


def price_triggers(count: int, names: Sequence[str], *, seed: int = 3) -> list[TriggerSpec]:
    """Return `price > T`, every edge, spread evenly over symbols; T within 2 % of the price at the start."""
    config: dict[str, object] = {"operator": ">", "value": 100, "fire": "every_edge"}
    pattern = _parsed("price_trigger", config, names[0])
    assert isinstance(pattern.condition, Leaf)
    thresholds = np.round(np.random.default_rng(seed).uniform(98.0, 102.0, count), 4).tolist()
    leaf = pattern.condition
    return [
        replace(
            pattern,
            trigger_id=f"p{n}/t",
            pipeline_id=f"p{n}",
            config_hash=sha256(f"{n}".encode()).hexdigest(),
            symbols=(names[n % len(names)],),
            condition=replace(leaf, right=threshold),
        )
        for n, threshold in enumerate(thresholds)
    ]


def mostly_quiet_triggers(count: int, names: Sequence[str], *, live: int) -> list[TriggerSpec]:
    """Return so many triggers of which `live` are those of `price_triggers`, and no trade reaches the others."""
    found = price_triggers(count, names)
    for n, spec in enumerate(price_triggers(live, names)):
        found[n] = spec
    far = np.round(np.random.default_rng(5).uniform(1_000.0, 2_000.0, count), 4).tolist()
    for n in range(live, count):
        leaf = found[n].condition
        assert isinstance(leaf, Leaf)
        found[n] = replace(found[n], condition=replace(leaf, right=far[n]))
    return found


def forming_triggers(names: Sequence[str]) -> list[TriggerSpec]:
    """Return one trigger a symbol that reads ten indicators of 1m at every trade and never fires."""
    config: dict[str, object] = {
        "timeframe": "1m",
        "any": [{"indicator": name, "operator": ">", "value": 1e12} for name in TEN_INDICATORS],
    }
    pattern = _parsed("technical_trigger", config, names[0])
    assert isinstance(pattern.condition, Group)
    return [
        replace(pattern, trigger_id=f"f{n}/t", pipeline_id=f"f{n}", symbols=(name,)) for n, name in enumerate(names)
    ]


def armed(specs: Sequence[TriggerSpec]) -> list[TriggerChange]:
    return [TriggerChange("set", spec.trigger_id, spec) for spec in specs]


def _parsed(kind: str, config: dict[str, object], symbol: str) -> TriggerSpec:
    return parse_trigger(
        kind, config, pipeline_id="bench", node_id="t", version=1, symbols=(symbol,), primary_timeframe="1m"
    )
