"""What is allowed but probably not meant: triggers that may repaint, can never fire, or need what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.condition import Condition, Leaf, NewsMatch, Operand, SpecificTime, Timeframe, TriggerSpec
from engine.grammar.trigger import PRICE_PATH
from engine.indicators.registry import INDICATORS
from engine.needs import Need, needs
from engine.news_match import phrases
from engine.schedule import next_after
from engine.sessions import ALWAYS, EXTENDED, TIMEFRAME_MS, Calendars
from engine.truth import leaf_truth, leaves_of, operands_of, truth

_CROSSES = ("crosses_above", "crosses_below")
_CHANGES = ("rises_by_pct", "falls_by_pct")
_EVER = -(2**62)
_LONGEST_SESSION_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark. `path` is inside the node's config, "" for the whole of it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FeedData:
    """What the feed that triggers will read carries.

    whole_volume   every trade of the market; most feeds carry a part
    history        candles that can be had from before now, by timeframe; None: not known
    slots          how many symbols it carries at a time; None: not known
    waiting        symbols that have no slot now (T32), each with the reason
    no_history     symbols of which nobody gives candles from before now (T22), each with the reason
    """

    whole_volume: bool = False
    has_volume: bool = True
    has_news: bool = True
    history: Mapping[Timeframe, int] | None = None
    slots: int | None = None
    waiting: Mapping[str, str] = field(default_factory=dict[str, str])
    no_history: Mapping[str, str] = field(default_factory=dict[str, str])


_USUAL = FeedData()
_CALENDARS = Calendars()


def lint(spec: TriggerSpec, *, feed: FeedData = _USUAL, calendars: Calendars = _CALENDARS) -> tuple[Remark, ...]:
    """Return remarks on a valid trigger.

    Args:
        feed: What the feed carries; by default a part of the volume, and news.
        calendars: Which symbols have a calendar.
    """
    if spec.news is not None:
        return (*_news_remarks(spec.news, feed), *_life_remarks(spec))
    if spec.condition is None:
        return tuple(_life_remarks(spec))
    return (
        *_slot_remarks(spec, feed),
        *_truth_remarks(spec),
        *_cadence_remarks(spec),
        *_hold_remarks(spec, calendars),
        *_session_remarks(spec, calendars),
        *_data_remarks(spec, feed),
        *_warm_up_remarks(spec, feed),
    )


def may_repaint(spec: TriggerSpec) -> bool:
    """Return whether a trigger judges forming values other than the price (T5)."""
    return (
        spec.evaluate == "tick"
        and spec.condition is not None
        and any(_reads_forming(leaf) for leaf in leaves_of(spec.condition))
    )


def _at(leaf: Leaf) -> str:
    return "" if leaf.path == PRICE_PATH else leaf.path


def _truth_remarks(spec: TriggerSpec) -> Iterator[Remark]:
    """Yield a remark for each leaf that cannot change or stands there twice, and one when the whole cannot."""
    condition = spec.condition
    if condition is None:
        return
    seen: dict[tuple[object, ...], str] = {}
    for leaf in leaves_of(condition):
        known = leaf_truth(leaf)
        if known is not None:
            yield Remark(_at(leaf), f"can {'only' if known else 'never'} be true")
        meaning = (leaf.left, leaf.operator, leaf.right, leaf.upper, leaf.timeframe, leaf.hysteresis,
                   leaf.within_candles, leaf.candles)  # fmt: skip
        if meaning in seen:
            yield Remark(_at(leaf), f"says the same as {seen[meaning]}")
        seen.setdefault(meaning, leaf.path)
    whole = truth(condition)
    if whole is not None and not isinstance(condition, Leaf):
        said = "always true: it never becomes true, and never fires" if whole else "can never be true together"
        yield Remark("", said)


def _cadence_remarks(spec: TriggerSpec) -> Iterator[Remark]:
    if may_repaint(spec):
        yield Remark(
            "evaluate",
            "may repaint: forming candles change until they close, so what fired can look untrue later; "
            "candle_close judges closed candles only",
        )
    if spec.fire == "every_edge" and spec.cooldown_ms == 0:
        yield Remark("cooldown_seconds", "every edge and no cooldown: more than 15 firings in 3 minutes pause it")


def _hold_remarks(spec: TriggerSpec, calendars: Calendars) -> Iterator[Remark]:
    """Yield a remark where a hold can never be kept: longer than a session, or than a crossing stays true."""
    hold, condition = spec.hold, spec.condition
    if hold is None or condition is None:
        return
    has_sessions = any(calendars.calendar_of(symbol) != ALWAYS for symbol in spec.symbols)
    if has_sessions and hold.ms >= _LONGEST_SESSION_MS:
        yield Remark("hold.seconds", "longer than any session, whose end breaks it: it never fires")
    for leaf in _demanded(condition):
        if leaf.operator not in _CROSSES:
            continue
        stays = f"a crossing stays true until its {leaf.timeframe} candle ends"
        if hold.ms > TIMEFRAME_MS[leaf.timeframe] * leaf.within_candles:
            yield Remark(_at(leaf), f"{stays}, before the hold is over: it never fires; see within_candles")
        if hold.candles > leaf.within_candles and leaf.timeframe == spec.timeframe:
            yield Remark(_at(leaf), f"{stays}, and the hold is of {hold.candles}: it never fires; see within_candles")


def _demanded(condition: Condition) -> tuple[Leaf, ...]:
    """Return the leaves without which a condition cannot be TRUE, those at its top."""
    if isinstance(condition, Leaf):
        return (condition,)
    return tuple(child for child in condition.children if isinstance(child, Leaf)) if condition.kind == "all" else ()


def _session_remarks(spec: TriggerSpec, calendars: Calendars) -> Iterator[Remark]:
    if spec.session != "extended":
        return
    for symbol in spec.symbols:
        if calendars.calendar_of(symbol) not in EXTENDED:
            yield Remark("session", f"{symbol} has no extended hours: the same as regular")


def _slot_remarks(spec: TriggerSpec, feed: FeedData) -> Iterator[Remark]:
    """Yield a remark for symbols that the feed cannot carry, or does not carry now (T32)."""
    count = len(set(spec.symbols))
    if feed.slots is not None and count > feed.slots:
        without = count - feed.slots
        yield Remark(
            "",
            f"reads {count} symbols, and the feed carries {feed.slots} at a time: {without} of them "
            f"{'has' if without == 1 else 'have'} no slot and {'is' if without == 1 else 'are'} not evaluated",
        )
        return
    for symbol in dict.fromkeys(spec.symbols):
        if symbol in feed.waiting:
            why = feed.waiting[symbol]
            yield Remark("", f"{symbol} has no slot of the feed, and is not evaluated until it has{_because(why)}")


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _data_remarks(spec: TriggerSpec, feed: FeedData) -> Iterator[Remark]:
    for leaf in leaves_of(spec.condition) if spec.condition is not None else ():
        used = sorted({side.name for side in operands_of(leaf) if _reads_volume(side)})
        if used and not feed.has_volume:
            yield Remark(_at(leaf), f"{', '.join(used)} needs the volume, which the feed does not carry")
        elif used and not feed.whole_volume:
            yield Remark(_at(leaf), f"{', '.join(used)} counts only the part of the market that the feed carries")
        left = INDICATORS.get(leaf.left.name)
        if (
            left is not None
            and left.is_cumulative
            and any(isinstance(side, int | float) for side in (leaf.right, leaf.upper))
        ):
            if leaf.operator in _CHANGES:
                yield Remark(_at(leaf), f"a share of {left.name} depends on where its history starts")
            else:
                yield Remark(
                    _at(leaf), f"the level of {left.name} depends on where its history starts: a number means little"
                )


def _warm_up_remarks(spec: TriggerSpec, feed: FeedData) -> Iterator[Remark]:
    is_warming = False
    for need in needs(spec):
        wanted = need.stable if spec.require_stable else need.first
        is_warming = is_warming or wanted > 1
        path = "" if need.path == PRICE_PATH else need.path
        there = None if feed.history is None else feed.history.get(need.timeframe, 0)
        if there is not None and there < wanted:
            yield Remark(path, f"{_needed(need, wanted)}, and only {there} are to be had: it stays unknown until then")
        elif wanted > 1:
            settled = f", {need.stable} until it is stable" if need.stable > wanted else ""
            yield Remark(path, _needed(need, wanted) + settled)

    for symbol in dict.fromkeys(spec.symbols) if is_warming else ():
        if symbol in feed.no_history:
            why = feed.no_history[symbol]
            yield Remark("", f"no candles of {symbol} from before now can be had ({why}): it warms up from live trades")


def _needed(need: Need, wanted: int) -> str:
    return f"{need.column} needs {wanted} candles of {need.timeframe} to warm up"


def _news_remarks(news: NewsMatch, feed: FeedData) -> Iterator[Remark]:
    if not feed.has_news:
        yield Remark("", "needs news, which the feed does not carry: it never fires")
    every, some, none = ([*phrases(words)] for words in (news.all, news.any, news.none))
    for i, phrase in enumerate(every):
        if any(_holds(phrase, banned) for banned in none):
            yield Remark(f"match.all[{i}]", "is kept out by match.none: it never fires")
    kept_out = [any(_holds(phrase, banned) for banned in none) for phrase in some]
    for i, is_out in enumerate(kept_out):
        if is_out:
            said = "is kept out by match.none" + (": it never fires" if all(kept_out) else "")
            yield Remark(f"match.any[{i}]", said)
    if not (news.all or news.any or news.sources or news.sentiment):
        yield Remark("match", "takes every item of its symbols" + (" but a few" if news.none else ""))


def _holds(phrase: str, part: str) -> bool:
    return f" {part} " in f" {phrase} "


def _life_remarks(spec: TriggerSpec) -> Iterator[Remark]:
    """Yield a remark where a schedule has no instant within the trigger's life."""
    if spec.schedule is None:
        return
    when = spec.schedule.when
    is_single = isinstance(when, SpecificTime) and when.date != ""
    if spec.valid_from_ms is None and not is_single:
        return  # it begins when it is armed
    first = next_after(when, spec.valid_from_ms - 1 if spec.valid_from_ms is not None else _EVER)
    path = "schedule.date" if is_single else "schedule"
    if first is None:
        yield Remark(path, "is not due after valid_from: it never fires")
    elif spec.valid_until_ms is not None and first >= spec.valid_until_ms:
        yield Remark(path, "is not due before valid_until: it never fires")


def _reads_volume(operand: Operand) -> bool:
    if operand.is_field:
        return operand.name in ("volume", "vwap")
    return INDICATORS[operand.name].reads_volume


def _reads_forming(leaf: Leaf) -> bool:
    if leaf.operator in _CHANGES and leaf.left.name == "price":
        return False  # its reference is a closed candle
    return any(side.name != "price" for side in operands_of(leaf))
