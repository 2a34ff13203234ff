"""A trigger as a sentence: "fires when RSI(14) of 5m crosses above 70 and price is above SMA(50) of 1h"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.condition import (
    Condition,
    Cron,
    Group,
    Hold,
    Leaf,
    MarketHours,
    NewsMatch,
    Operand,
    Operator,
    Schedule,
    SpecificTime,
    TriggerSpec,
)
from engine.cron_words import cron_words

_OPERATORS: dict[Operator, str] = {
    ">": "is above",
    ">=": "is at or above",
    "<": "is below",
    "<=": "is at or below",
    "crosses_above": "crosses above",
    "crosses_below": "crosses below",
    "inside": "is between",
    "outside": "is outside",
    "rises_by_pct": "rises by",
    "falls_by_pct": "falls by",
}
_NEGATED: dict[Operator, str] = {
    ">": "is not above",
    ">=": "is not at or above",
    "<": "is not below",
    "<=": "is not at or below",
    "inside": "is not between",
    "outside": "is not outside",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SECOND_MS = 1000


def trigger_words(spec: TriggerSpec) -> str:
    """Return one sentence, without a full stop, that says when a trigger fires and how often."""
    parts = ["fires " + _what(spec)]
    if spec.hold is not None:
        parts.append(_hold_words(spec.hold))
    if spec.condition is not None:
        if spec.evaluate == "candle_close":
            parts.append(f"judged at the close of each {spec.timeframe} candle")
        parts.append(_frequency_words(spec))
        if spec.session == "extended":
            parts.append("also in extended hours")
        if spec.require_stable:
            parts.append("with settled indicators only")
        if spec.after_gap == "fire":
            parts.append("also when it came true while the feed was away")
    if spec.schedule is not None and spec.schedule.missed == "run_once":
        parts.append("late where it was missed")
    if spec.cooldown_ms:
        parts.append(f"not again within {duration_words(spec.cooldown_ms)}")
    parts += _limit_words(spec)
    return ", ".join(part for part in parts if part)


def condition_words(condition: Condition) -> str:
    """Return a condition as a clause: "RSI(14) of 5m crosses above 70 and (… or …)"."""
    if isinstance(condition, Leaf):
        return leaf_words(condition)
    if condition.kind == "not":
        return _negation(condition.children[0])
    joint = " and " if condition.kind == "all" else " or "
    return joint.join(_bracketed(child, alone=len(condition.children) == 1) for child in condition.children)


def leaf_words(leaf: Leaf) -> str:
    """Return one comparison as a clause."""
    words = f"{operand_words(leaf.left)} {_OPERATORS[leaf.operator]} {_right_words(leaf)}"
    if leaf.hysteresis:
        words += f" (until it is back by {leaf.hysteresis:g})"
    if leaf.within_candles > 1:
        words += f" (counts for {leaf.within_candles} candles of {leaf.timeframe})"
    return words


def operand_words(operand: Operand | float) -> str:
    """Return `RSI(14) of 5m`, `MACD(12, 26, 9) histogram of 1h`, `price`, `190`."""
    if isinstance(operand, float | int):
        return _number(operand)
    numbers = ", ".join(f"{n:g}" for n in operand.params)
    words = operand.name + (f"({numbers})" if numbers else "")
    words += f" {operand.output}" if operand.output else ""
    return words + (f" of {operand.timeframe}" if operand.timeframe else "")


def duration_words(ms: int) -> str:
    """Return `90 s` as "90 seconds", 1,800,000 as "30 minutes": the largest unit that is whole."""
    for unit_ms, unit in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (_SECOND_MS, "second")):
        if ms >= unit_ms and ms % unit_ms == 0:
            count = ms // unit_ms
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return f"{ms / _SECOND_MS:g} seconds"


def schedule_words(schedule: Schedule) -> str:
    """Return when a schedule is due."""
    when = schedule.when
    match when:
        case MarketHours():
            if not when.offset_minutes:
                return f"at the {when.event} of {when.calendar}"
            side = "after" if when.offset_minutes > 0 else "before"
            return f"{duration_words(abs(when.offset_minutes) * 60_000)} {side} the {when.event} of {when.calendar}"
        case SpecificTime():
            at = f"{when.hour:02}:{when.minute:02}" + (f":{when.second:02}" if when.second else "")
            if when.date:
                return f"on {when.date} at {at} {when.timezone}"
            days = _list([_DAYS[day] for day in when.weekdays], "and") if when.weekdays else "day"
            return f"every {days} at {at} {when.timezone}{_session_days(when.calendar)}"
        case Cron():
            return f"{cron_words(when.expression)} in {when.timezone}{_session_days(when.calendar)}"


def news_words(news: NewsMatch) -> str:
    """Return what a news item must be."""
    parts: list[str] = []
    if news.all:
        parts.append(f"with {_list([repr(word) for word in news.all], 'and')}")
    if news.any:
        parts.append(f"with {_list([repr(word) for word in news.any], 'or')}")
    if news.none:
        parts.append(f"without {_list([repr(word) for word in news.none], 'or')}")
    if news.sources:
        parts.append(f"from {_list(news.sources, 'or')}")
    sound = f"{news.sentiment} news" if news.sentiment else "news"
    if news.sentiment and news.min_score > 1:
        parts.insert(0, f"of a score of {news.min_score} or more" if news.sentiment != "neutral"
                     else f"of a score below {news.min_score}")  # fmt: skip
    age = f"not older than {duration_words(news.max_age_ms)}"
    return " ".join([sound, *parts]) + f" comes in, {age}"


def _what(spec: TriggerSpec) -> str:
    if spec.condition is not None:
        return "when " + condition_words(spec.condition)
    if spec.schedule is not None:
        return schedule_words(spec.schedule)
    return "when " + news_words(spec.news or NewsMatch())


def _right_words(leaf: Leaf) -> str:
    right = operand_words(leaf.right)
    if leaf.operator in ("rises_by_pct", "falls_by_pct"):
        candles = "candle" if leaf.candles == 1 else "candles"
        return f"{right} % within {leaf.candles} {candles} of {leaf.timeframe}"
    if leaf.upper is not None:
        joint = "and" if leaf.operator == "inside" else "to"
        return f"{right} {joint} {operand_words(leaf.upper)}"
    return right


def _negation(child: Condition) -> str:
    if isinstance(child, Leaf) and child.operator in _NEGATED and not child.hysteresis:
        return f"{operand_words(child.left)} {_NEGATED[child.operator]} {_right_words(child)}"
    return f"not ({condition_words(child)})"


def _bracketed(child: Condition, *, alone: bool) -> str:
    words = condition_words(child)
    several = isinstance(child, Group) and child.kind != "not" and len(child.children) > 1
    return f"({words})" if several and not alone else words


def _frequency_words(spec: TriggerSpec) -> str:
    often = {
        "once_per_candle": f"at most once a {spec.timeframe} candle",
        "every_edge": "each time it becomes true",
        "once": "once",
    }[spec.fire]
    return often + {"on_false": "", "next_session": ", once a session", "manual": ", re-armed by hand"}[spec.rearm]


def _hold_words(hold: Hold) -> str:
    if hold.ms:
        return f"and stays so for {duration_words(hold.ms)}"
    count, what = (hold.trades, "trade") if hold.trades else (hold.candles, "candle")
    return f"and stays so for {count} {what}" + ("s" if count > 1 else "")


def _limit_words(spec: TriggerSpec) -> list[str]:
    words: list[str] = []
    if spec.max_firings_per_session:
        words.append(f"at most {_times(spec.max_firings_per_session)} a session")
    if spec.max_firings:
        words.append(f"at most {_times(spec.max_firings)} in all")
    if spec.valid_from_ms is not None:
        words.append(f"from {_moment(spec.valid_from_ms)}")
    if spec.valid_until_ms is not None:
        words.append(f"until {_moment(spec.valid_until_ms)}")
    return words


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _number(value: float) -> str:
    # repr is the shortest text that reads back as the same double; "%g" would round 64,000.125.
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _list(items: Sequence[str], joint: str) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}"


def _session_days(calendar: str) -> str:
    return f", on days on which {calendar} is open" if calendar else ""
