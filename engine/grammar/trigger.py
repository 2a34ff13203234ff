"""From a trigger node's JSON to the TriggerSpec that the engine arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from engine.canonical import config_hash
from engine.condition import (
    FIELDS,
    TIMEFRAMES,
    AfterGap,
    Evaluate,
    Fire,
    Hold,
    Leaf,
    Rearm,
    Session,
    Timeframe,
    TriggerSpec,
)
from engine.grammar.conditions import ConditionReader
from engine.grammar.fields import Fields, Problem, Problems, near
from engine.grammar.news import read_news
from engine.grammar.schedules import read_schedule

AGENT_TYPES = ("time_trigger", "technical_trigger", "price_trigger", "news_trigger")
DEFAULT_TIMEFRAME: Timeframe = "5m"
EVALUATE: tuple[Evaluate, ...] = ("tick", "candle_close")
FIRE: tuple[Fire, ...] = ("once_per_candle", "every_edge", "once")
SESSIONS: tuple[Session, ...] = ("regular", "extended")
REARM: tuple[Rearm, ...] = ("on_false", "next_session", "manual")
GAPS: tuple[AfterGap, ...] = ("baseline", "fire")
"""Choices, the default first."""
PRICE_PATH = "config"
"""The path of a price trigger's one leaf in evidence: the config itself."""


class InvalidTrigger(ValueError):
    """The JSON is no trigger. `problems` holds all of it, with paths inside the node's `config`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class _Common:
    """The common fields that market triggers have and time and news triggers have not."""

    timeframe: Timeframe
    evaluate: Evaluate
    fire: Fire
    session: Session
    hold: Hold | None
    rearm: Rearm
    after_gap: AfterGap
    require_stable: bool


def parse_trigger(
    agent_type: object,
    config: object,
    *,
    pipeline_id: str,
    node_id: str,
    version: int,
    symbols: Sequence[str],
    primary_timeframe: str | None = None,
) -> TriggerSpec:
    """Return one version of a trigger, every default of the trigger contract filled in.

    Args:
        agent_type, config: As in the node's JSON; anything JSON can hold is safe to give.
        pipeline_id, node_id: Together the trigger's id.
        version: The trigger's version, at least 1.
        symbols: Those of the pipeline.
        primary_timeframe: The pipeline's; None or "" is 5m.

    Raises:
        InvalidTrigger: with every problem found; nothing else is raised for any JSON.
    """
    problems = Problems()
    if agent_type not in AGENT_TYPES:
        hint = near(agent_type, AGENT_TYPES) if isinstance(agent_type, str) else ""
        problems.add("agent_type", agent_type, "one of " + ", ".join(AGENT_TYPES) + hint)
        raise InvalidTrigger(problems.found)
    if not isinstance(config, dict):
        problems.add("", config, "write an object with the trigger's settings")
        raise InvalidTrigger(problems.found)
    primary = _primary(primary_timeframe, problems)
    fields = Fields(cast("dict[str, object]", config), "", problems)
    blank = TriggerSpec(
        trigger_id=f"{pipeline_id}/{node_id}",
        pipeline_id=pipeline_id,
        version=version,
        symbols=tuple(symbols),
        kind="price",
        config_hash="",
        timeframe=primary,
    )
    if fields.take("type") not in (None, agent_type):
        fields.add("type", f"{agent_type}, as the node's agent_type, or leave it out")
    spec = _read_life_span(fields, blank)
    if agent_type == "time_trigger":
        spec = replace(spec, kind="time", schedule=read_schedule(fields))
    elif agent_type == "news_trigger":
        spec = replace(spec, kind="news", news=read_news(fields))
    else:
        spec = _read_market(fields, spec, agent_type)
    fields.finish()
    if problems.found:
        raise InvalidTrigger(problems.found)
    return replace(spec, config_hash=config_hash(spec))


def _primary(timeframe: str | None, problems: Problems) -> Timeframe:
    for known in TIMEFRAMES:
        if known == (timeframe or DEFAULT_TIMEFRAME):
            return known
    problems.add("primary_timeframe", timeframe, "one of " + ", ".join(TIMEFRAMES))
    return DEFAULT_TIMEFRAME


def _read_life_span(fields: Fields, spec: TriggerSpec) -> TriggerSpec:
    """Read what all four types have: cooldown, caps, life span."""
    valid_from, valid_until = fields.instant("valid_from"), fields.instant("valid_until")
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        fields.add("valid_until", "after valid_from")
    return replace(
        spec,
        cooldown_ms=fields.milliseconds("cooldown_seconds", unit_ms=1000, default=0),
        max_firings_per_session=fields.integer("max_firings_per_session", default=0, at_least=1),
        max_firings=fields.integer("max_firings", default=0, at_least=1),
        valid_from_ms=valid_from,
        valid_until_ms=valid_until,
    )


def _read_market(fields: Fields, spec: TriggerSpec, agent_type: str) -> TriggerSpec:
    common = _read_common(fields, spec.timeframe)
    reader = ConditionReader(fields.problems, common.timeframe)
    if agent_type == "technical_trigger":
        condition = reader.read_top(fields)
        kind = "technical"
    else:
        condition = _read_price(fields, reader)
        kind = "price"
    return replace(
        spec,
        kind=kind,
        condition=condition,
        timeframe=common.timeframe,
        evaluate=common.evaluate,
        fire=common.fire,
        session=common.session,
        hold=common.hold,
        rearm=common.rearm,
        after_gap=common.after_gap,
        require_stable=common.require_stable,
    )


def _read_common(fields: Fields, primary: Timeframe) -> _Common:
    timeframe: Timeframe = fields.choice("timeframe", TIMEFRAMES, primary)
    evaluate: Evaluate = fields.choice("evaluate", EVALUATE, EVALUATE[0])
    fire: Fire = fields.choice("fire", FIRE, FIRE[0])
    session: Session = fields.choice("session", SESSIONS, SESSIONS[0])
    rearm: Rearm = fields.choice("rearm", REARM, REARM[0])
    after_gap: AfterGap = fields.choice("after_gap", GAPS, GAPS[0])
    stable = fields.boolean("require_stable", default=False)
    hold = _read_hold(fields, evaluate)
    return _Common(timeframe, evaluate, fire, session, hold, rearm, after_gap, stable)


def _read_hold(fields: Fields, evaluate: str) -> Hold | None:
    inner = fields.child("hold", example='{"seconds": 30}')
    if inner is None:
        return None
    seconds_ms = inner.milliseconds("seconds", unit_ms=1000, default=0, above=0)
    trades = inner.integer("trades", default=0, at_least=1)
    candles = inner.integer("candles", default=0, at_least=1, at_most=1000)
    inner.finish()
    given = [key for key in ("seconds", "trades", "candles") if inner.has(key)]
    if len(given) != 1:
        fields.add("hold", 'exactly one of seconds, trades, candles, as in {"seconds": 30}')
    elif given == ["trades"] and evaluate != "tick":
        inner.add("trades", 'goes with "evaluate": "tick"; write candles or seconds')
    elif given == ["candles"] and evaluate != "candle_close":
        inner.add("candles", 'goes with "evaluate": "candle_close"; write trades or seconds')
    return Hold(seconds_ms, trades, candles)


def _read_price(fields: Fields, reader: ConditionReader) -> Leaf | None:
    """Read the one leaf of a price trigger: FIELD against a value, `price` unless another is named."""
    fields.allow("operand", "operator", "value", "candles", "hysteresis", "within_candles")
    for key in ("signal", "indicator"):
        if fields.has(key):
            fields.allow(key)
            fields.add(key, "a price trigger has none: use a technical_trigger")
            return None
    operand = fields.data.get("operand")
    if operand is not None and (not isinstance(operand, str) or operand.partition("@")[0] not in FIELDS):
        fields.add("operand", "one of " + ", ".join(FIELDS) + "; for indicators use a technical_trigger")
        return None
    # The leaf's own `timeframe` is the trigger's here: they are one object.
    leaf_data = {"operand": "price", **{k: v for k, v in fields.data.items() if k != "timeframe"}}
    leaf_fields = Fields(leaf_data, fields.path, fields.problems)
    return reader.read_leaf(leaf_fields, PRICE_PATH)
