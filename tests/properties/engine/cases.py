"""Random cases: triggers, and a tape that is late, out of order, doubled, rubbish, halted, asleep and awake again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hypothesis import strategies as st

from tests.oracle.records import Bar, Change, History, Mark, News, Record, Trade, TriggerText
from tests.properties.engine.dice import Dice, DrawnDice
from tests.properties.engine.triggers import CRYPTO, FIELDS, INDICATORS, STOCK, one_in, trigger

STARTS = (
    "2025-03-10T13:28:30+00:00",  # a minute and a half before the first open in summer time
    "2025-03-07T20:57:00+00:00",  # a Friday's last minutes; the clock changes on Sunday
    "2025-11-28T17:56:00+00:00",  # a half day's last minutes
    "2025-10-31T19:58:00+00:00",  # the last minutes before winter time
    "2025-03-10T23:58:30+00:00",  # UTC midnight; after hours of New York
    "2025-03-10T15:00:00+00:00",
)
JUMPS = (61_000, 61_000, 300_000, 300_000, 3_600_000, 14_400_000, 57_600_000, 63_000_000, 3 * 86_400_000)
FLAGS = ((True, True, True),) * 8 + (
    (False, False, True), (False, True, True), (True, False, True), (True, True, False), (False, False, False),
)  # fmt: skip
HEADLINES = (
    "Acme cuts guidance", "Acme beats, raises guidance", "Lawsuit against Acme", "Growth without Acme",
    "Acme's no-growth",
)  # fmt: skip
URLS = (
    "https://www.example.com/a?utm_source=x", "http://example.com/a/", "https://example.com/b?a=1&id=2#top",
    "https://example.com/b?id=2&a=1&utm_medium=y", "https://example.com/c", "https://example.com/d",
)  # fmt: skip
RUBBISH = (float("nan"), -1.0, 0.0, float("inf"), 1e16)
LIVE_KINDS = ("trade",) * 12 + (
    "wait", "wait", "back", "late", "same", "leap", "bad", "mark", "mark", "mark", "sick", "change", "news", "news",
)  # fmt: skip
OFFLINE_KINDS = ("trade",) * 10 + ("wait", "wait", "wait", "back", "late", "same", "bad")


@dataclass(frozen=True)
class Case:
    """Records in log order."""

    records: tuple[Record, ...]

    @property
    def trades(self) -> list[Trade]:
        return [r for r in self.records if isinstance(r, Trade)]

    def without(self, first: int, count: int) -> Case:
        """Return the case without some of its records: how a failing one is made small."""
        return Case(self.records[:first] + self.records[first + count :])

    def __str__(self) -> str:
        return "\n".join(f"  {r!r}" for r in self.records)


def case(dice: Dice, *, most: int, is_offline: bool = False) -> Case:
    """Return a case of at most so many steps."""
    start_ms = round(datetime.fromisoformat(dice.pick(STARTS)).timestamp() * 1000)
    is_plain = one_in(dice, 3)
    operands = FIELDS if is_plain else FIELDS + INDICATORS
    texts = [trigger(dice, start_ms, operands, f"n{i}", 1) for i in range(dice.number(1, 3))]
    tape = _Tape(dice, start_ms, is_plain=is_plain, texts=texts, edited=trigger(dice, start_ms, operands, "n0", 2))
    records: list[Record] = []
    if not is_offline and one_in(dice, 3):
        records.append(tape.history())
    records += [Change("set", t.trigger_id, t, at_ms=start_ms) for t in texts]
    kinds = OFFLINE_KINDS if is_offline else LIVE_KINDS
    for _ in range(dice.number(3, most)):
        records += tape.step(dice.pick(kinds))
    return Case(tuple(records))


@st.composite
def cases(draw: st.DrawFn, *, most: int = 40, is_offline: bool = False) -> Case:
    return case(DrawnDice(draw), most=most, is_offline=is_offline)


class _Tape:
    """Knows what time it is on the tape and where the price stands."""

    def __init__(
        self, dice: Dice, start_ms: int, *, is_plain: bool, texts: list[TriggerText], edited: TriggerText
    ) -> None:
        self._dice = dice
        self._now = start_ms
        self._is_plain = is_plain
        self._texts = texts
        self._edited = edited
        self._count = 0
        self._last = 100.0
        self._items: list[News] = []

    def step(self, kind: str) -> list[Record]:
        dice = self._dice
        if kind == "wait":
            self._now += dice.number(5_000, 70_000)
            return []
        if kind == "leap":
            self._now += dice.pick(JUMPS)
            return []
        self._now += dice.number(0, 4_000)
        if kind in ("mark", "sick"):
            return [self._mark(kind)]
        if kind == "change":
            return [self._change()]
        if kind == "news":
            return [self._news()]
        ts_ms = self._now
        if kind == "back":
            ts_ms -= dice.number(1, 30_000)
        elif kind == "late":
            ts_ms -= dice.number(60_000, 200_000)
        return [self._trade(kind, ts_ms)]

    def _trade(self, kind: str, ts_ms: int) -> Trade:
        dice = self._dice
        self._count += 1
        price = 97.0 + dice.number(0, 12) * 0.5
        if kind == "same":
            price = self._last
        elif kind == "bad":
            price = dice.pick(RUBBISH)
        elif not self._is_plain:
            # No two alike, so that averages do not meet each other or a threshold by accident.
            price += 0.0137 * (self._count * 7919 % 97) / 97 + 0.0021 * dice.number(0, 100) / 100
        if kind != "bad":
            self._last = price
        sets_last, sets_high_low, counts_volume = dice.pick(FLAGS)
        size = float(dice.number(0, 6))
        return Trade(
            symbol=dice.pick((CRYPTO, CRYPTO, STOCK)),
            ts_ms=ts_ms,
            recv_ms=self._now + dice.number(0, 100),
            price=price,
            size=size if self._is_plain else size + 0.25 + 0.01 * (self._count % 13),
            sets_last=sets_last,
            sets_high_low=sets_high_low,
            counts_volume=counts_volume,
            codes=() if sets_last else (dice.number(0, 50),),
        )

    def _mark(self, kind: str) -> Mark:
        dice = self._dice
        if kind == "mark":
            return Mark(self._now, self._now + 3)
        health = dice.pick(("live", "quiet", "stale", "disconnected"))
        differs = dice.pick(({}, {CRYPTO: "halted"}, {STOCK: "stale"}, {CRYPTO: "quiet", STOCK: "halted"}))
        return Mark(self._now, self._now + 3, health, dice.pick((0, 12_000)), dict(differs))

    def _change(self) -> Change:
        dice = self._dice
        text = dice.pick(self._texts)
        action = dice.pick(("pause", "resume", "resume", "remove", "set", "set", "edit", "edit"))
        if action == "edit":
            text, action = self._edited, "set"
        return Change(action, text.trigger_id, text if action == "set" else None, at_ms=self._now)

    def _news(self) -> News:
        """Return an item, one in three a copy in part or whole of an earlier one."""
        dice = self._dice
        age = dice.pick((0, 500, 20_000, 200_000, 2_400_000, -30_000, -90_000))
        item = News(
            news_id=str(len(self._items) + 1),
            symbols=dice.pick(((CRYPTO,), (STOCK,), (STOCK, CRYPTO), ("MSFT",))),
            published_ms=self._now - age,
            recv_ms=self._now + dice.number(0, 100),
            headline=f"{dice.pick(HEADLINES)} {dice.number(1, 12)}",
            summary=dice.pick(("", "No growth, weak guidance.", "Analysts: upgrade without lawsuit", "ACME")),
            source=dice.pick(("Reuters", " REUTERS", "Other")),
            url=dice.pick(("", *URLS)),
        )
        if self._items and one_in(dice, 3):
            old = dice.pick(self._items)
            same = dice.pick((
                {"news_id": old.news_id}, {"headline": old.headline.upper() + "!"}, {"url": old.url},
                {"news_id": old.news_id, "headline": old.headline, "url": old.url},
            ))  # fmt: skip
            item = replace(item, **same)
        self._items.append(item)
        return item

    def history(self) -> History:
        """Return up to a dozen 1m candles that end a minute or two before the tape."""
        dice = self._dice
        bars: list[Bar] = []
        start = self._now // 60_000 * 60_000 - dice.number(1, 14) * 60_000
        while start + 60_000 <= self._now and len(bars) < 12:
            prices = sorted(97.0 + dice.number(0, 120) * 0.05 + 0.0003 * (start // 60_000 % 89) for _ in range(3))
            size = float(dice.number(1, 9))
            bars.append(Bar(start, prices[1], prices[2], prices[0], prices[1], size, prices[1], dice.number(1, 9)))
            start += 60_000 * dice.pick((1, 1, 1, 2))
        return History(dice.pick((CRYPTO, STOCK)), "regular", "1m", "rest", tuple(bars))
