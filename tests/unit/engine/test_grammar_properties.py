"""Whatever JSON comes, `parse_trigger` returns a spec or raises InvalidTrigger."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import canonical_config
from engine.condition import TriggerSpec
from engine.grammar import AGENT_TYPES, InvalidTrigger
from tests.unit.engine.grammar_cases import parse

KEYS = (
    "type", "conditions", "logic", "all", "any", "not", "none", "operand", "indicator", "operator", "value",
    "signal", "fast", "slow", "timeframe", "candles", "within_candles", "hysteresis", "evaluate", "fire",
    "session", "cooldown_seconds", "max_firings_per_session", "max_firings", "hold", "seconds", "trades",
    "rearm", "valid_from", "valid_until", "after_gap", "require_stable", "schedule", "market", "event",
    "offset_minutes", "time", "timezone", "days", "date", "expression", "missed", "missed_grace_seconds",
    "match", "sources", "max_age_minutes", "sentiment", "sentiment_score",
)  # fmt: skip
WORDS = (
    "price", "close@1h", "RSI", "SMA_50@1h", "MACD.line", "BBANDS_20_2.upper", "MACD", "SMA", "AND", "OR", ">",
    "<=", "crosses_above", "inside", "rises_by_pct", "bullish_crossover", "golden_cross", "5m", "1h", "tick",
    "candle_close", "once", "market_hours", "specific_time", "cron", "US", "XLON", "24/7", "open", "09:45",
    "America/New_York", "UTC", "mon", "2025-03-10", "2025-03-10T09:30:00-04:00", "*/15 9-15 * * 1-5",
    "0 0 30 2 *", "guidance", "negative", "70", "nan", "close[1]", "\ud800", "\x00", "a:b", "@", "_", ".", "",
)  # fmt: skip

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(WORDS)
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), inner, max_size=6)
    ),
    max_leaves=25,
)
configs = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=6), json_values, max_size=8)


def outcome(agent_type: object, config: object) -> TriggerSpec | None:
    try:
        return parse(agent_type, config)
    except InvalidTrigger as invalid:
        problems = invalid.problems
    assert problems
    assert all(p.expected and p.found for p in problems)
    return None


@given(agent_type=st.sampled_from(AGENT_TYPES), config=configs)
@settings(max_examples=400, deadline=None)
def test_any_object_is_a_trigger_or_names_its_problems(agent_type: str, config: dict[str, object]) -> None:
    spec = outcome(agent_type, config)
    if spec is not None:
        assert outcome(agent_type, config) == spec


@given(agent_type=json_values, config=json_values)
@settings(max_examples=150, deadline=None)
def test_any_json_at_all_is_safe(agent_type: object, config: object) -> None:
    outcome(agent_type, config)


def leaves() -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(
        {
            "operand": st.sampled_from(["price", "close@1h", "RSI", "SMA_50@1h", "MACD.line"]),
            "operator": st.sampled_from([">", "<=", "crosses_above", "crosses_below"]),
            "value": st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(["vwap", "EMA_9"]),
        }
    )


valid = st.recursive(
    leaves(),
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=6,
)


@given(tree=st.fixed_dictionaries({"any": st.lists(valid, min_size=1, max_size=3)}), name=st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_hash_depends_on_the_meaning_only(tree: dict[str, object], name: str) -> None:
    spec = outcome("technical_trigger", tree)
    if spec is None:  # too deep or too many leaves
        return
    spelled_out = {"type": "technical_trigger", "cooldown_seconds": 0, "timeframe": "5m", "hold": None, **tree}
    again = parse("technical_trigger", spelled_out, version=7)
    assert again.config_hash == spec.config_hash
    assert canonical_config(again) == canonical_config(spec)
    changed = parse("technical_trigger", {**tree, "cooldown_seconds": 1})
    assert changed.config_hash != spec.config_hash
