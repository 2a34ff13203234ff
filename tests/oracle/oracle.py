"""The trigger contract read aloud: records in, facts out. Slow on purpose; nothing is kept that can be recomputed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from tests.oracle import facts, news
from tests.oracle.candles import Book, Closed
from tests.oracle.conditions import Leaf, kleene
from tests.oracle.conditions import judge as judge_leaf
from tests.oracle.facts import Fact
from tests.oracle.records import Change, History, Mark, News, Record, Trade
from tests.oracle.schedules import instants
from tests.oracle.sessions import is_around_the_clock, session_open_before
from tests.oracle.trigger import Armed, Edge, GateMemory, Pending

GRACE_MS = 2000
AHEAD_MS = 60_000
REOPEN_MS = 60_000
MISSED_MOST = 100
DAY_MS = 86_400_000
HEALTHY = ("live", "quiet", "offline")
TIE = 1e-9


@dataclass
class Symbol:
    name: str
    books: dict[str, Book]
    closed_until: int = -(1 << 60)
    """End of the last minute that a trade has closed (T14)."""
    minute: int = -1
    seq: int = -1
    prices: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    """Time and price of each trade that moved the last price forward, of any session."""
    is_unknown: bool = False
    reopens_at: int = 0
    bad: int = 0
    late: int = 0
    outside: int = 0
    applied: int = 0


@dataclass
class Facts:
    """Everything decided so far, in decision order."""

    firings: list[Fact] = field(default_factory=list[Fact])
    suppressions: list[tuple[str, Fact]] = field(default_factory=list[tuple[str, Fact]])
    candles: list[Fact] = field(default_factory=list[Fact])


class Oracle:
    def __init__(self, *, sessions: tuple[str, ...] = ("regular",), is_offline: bool = False, feed: str = "finnhub"):
        self.is_offline = is_offline
        self.feed = feed
        self.kept_sessions = {"regular", *sessions}
        self.symbols: dict[str, Symbol] = {}
        self.triggers: dict[str, dict[str, Armed]] = {}
        self.facts = Facts()
        self.feed_ms: int | None = None
        self.closed_minutes = -(1 << 60)
        """Every minute before this has been closed by a mark, also an empty one."""
        self.health = "offline" if is_offline else "live"
        self.symbol_health: dict[str, str] = {}
        self.gap_ms = 0
        self.ties = 0
        """Comparisons of computed values nearer than 1e-9 to each other: two right programs may differ (T19)."""
        self._decided: list[tuple[tuple[int, str, str, int], str, Fact]] = []
        self._closed: list[tuple[tuple[str, int], Fact]] = []
        self._recv_ms = 0
        self._known_news = news.Known()

    # ---- input ----

    def take(self, record: Record) -> None:
        self._recv_ms = record.recv_ms if isinstance(record, Trade | Mark | News) else 0
        if isinstance(record, Trade):
            self._take_trade(record)
        elif isinstance(record, Mark):
            self._take_mark(record)
        elif isinstance(record, History):
            self._take_history(record)
        elif isinstance(record, News):
            self._take_news(record)
        else:
            self._take_change(record)
        self._put_out()

    def take_all(self, records: Iterable[Record]) -> Facts:
        for record in records:
            self.take(record)
        return self.facts

    def _put_out(self) -> None:
        """What one record decided goes out by decision time, then trigger, then symbol (T5)."""
        for _, reason, fact in sorted(self._decided, key=lambda found: found[0]):
            if reason:
                self.facts.suppressions.append((reason, fact))
            else:
                self.facts.firings.append(fact)
        self.facts.candles += [fact for _, fact in sorted(self._closed, key=lambda found: found[0])]
        self._decided, self._closed = [], []

    def symbol(self, name: str) -> Symbol:
        if name not in self.symbols:
            found = self.symbols[name] = Symbol(name, {})
            found.is_unknown = self._state_of(name) not in HEALTHY
            for session in ("regular", "extended"):
                if session in self.kept_sessions:
                    self.book(found, session)
        return self.symbols[name]

    def book(self, symbol: Symbol, session: str) -> Book:
        if is_around_the_clock(symbol.name):
            session = "regular"
        if session not in symbol.books:
            symbol.books[session] = Book(symbol.name, session, is_offline=self.is_offline)
            symbol.books = {s: symbol.books[s] for s in ("regular", "extended") if s in symbol.books}
        return symbol.books[session]

    # ---- trades (T5) ----

    def _take_trade(self, trade: Trade) -> None:
        symbol = self.symbol(trade.symbol)
        is_price = math.isfinite(trade.price) and 0 < trade.price <= 1e15
        is_size = math.isfinite(trade.size) and 0 <= trade.size <= 1e18
        if not is_price or not is_size or not 0 <= trade.ts_ms < 4_102_444_800_000:
            symbol.bad += 1
            return
        if not (trade.sets_last or trade.sets_high_low or trade.counts_volume):
            symbol.outside += 1
            return
        if trade.ts_ms < max(symbol.closed_until, self.closed_minutes):
            symbol.late += 1
            return
        self._pass_time(symbol, trade.ts_ms, close_until=trade.ts_ms)
        minute = trade.ts_ms // 60_000 * 60_000
        symbol.closed_until = minute
        is_applied = False
        for book in symbol.books.values():
            book.note_first(trade.ts_ms)
            if not book.is_open_at(trade.ts_ms):
                continue
            if not is_applied:
                is_applied = True
                symbol.seq = symbol.seq + 1 if symbol.minute == minute else 0
                symbol.minute = minute
            if book.apply(trade, symbol.seq) and not symbol.is_unknown:
                for armed in self._armed(book):
                    if not armed.is_closed:
                        self._evaluate(armed, trade.ts_ms)
        if trade.sets_last and (not symbol.prices or trade.ts_ms >= symbol.prices[-1][0]):
            symbol.prices.append((trade.ts_ms, trade.price))
        symbol.applied += is_applied
        symbol.outside += not is_applied

    def _armed(self, book: Book) -> list[Armed]:
        """Return the triggers that read a book and are not paused."""
        return [
            armed for rows in self.triggers.values() for armed in rows.values()
            if armed.book is book and armed.condition is not None and not armed.is_paused
        ]  # fmt: skip

    def _pass_time(self, symbol: Symbol, now: int, *, close_until: int) -> None:
        """Do what is due: holds, then closes and their triggers, then the session's end (T5, T7, T13)."""
        books = list(symbol.books.values())
        for book in books:
            self._fire_due_holds(book, now)
        closed: dict[str, list[Closed]] = {}
        for number, book in enumerate(books):
            closed[book.session] = book.close_until(close_until)
            for candle in closed[book.session]:
                fact = facts.candle_fact(symbol.name, book.session, candle, self._columns(book, candle))
                self._closed.append(((symbol.name, number), fact))
        if not symbol.is_unknown:
            for book in books:
                ended = {c.timeframe: c.candle.end_ms for c in closed[book.session]}
                for armed in self._armed(book):
                    if armed.is_closed and armed.timeframe in ended:
                        self._evaluate(armed, ended[armed.timeframe])
        for book in books:
            self._fire_due_holds(book, now)  # one that began with a close just now may be over already
        for book in books:
            if not is_around_the_clock(symbol.name) and book.session_close <= close_until:
                for armed in self._armed(book):
                    self._break_hold(armed, book.session_close)

    def _columns(self, book: Book, closed: Closed) -> dict[str, float]:
        """Return the closed values of every indicator that a trigger in force reads of this timeframe."""
        found: dict[str, float] = {}
        for rows in self.triggers.values():
            for armed in rows.values():
                if armed.book is not book:
                    continue
                for operand in armed.operands():
                    if operand.timeframe == closed.timeframe and not operand.is_field:
                        value = float("nan") if closed.partial else armed.values.closed_series(operand)[-1]
                        found[str(operand).partition("@")[0]] = value
        return found

    # ---- evaluation (T1, T2, T7) ----

    def _evaluate(self, armed: Armed, decided_ms: int) -> None:
        if not armed.is_valid_from(decided_ms):
            return
        assert armed.condition is not None
        for leaf in armed.all_leaves():
            self._judge_leaf(armed, leaf)
        result = kleene(armed.condition, {path: memory.result for path, memory in armed.leaves.items()})
        before, armed.state = armed.state, result
        kind = "candle_close" if armed.is_closed else "tick"
        if result is True and before is False:
            self._take_edge(armed, kind, decided_ms)
        elif result is True and before is None:
            self._suppress(armed, "baseline", self._firing(armed, kind, decided_ms))
        elif result is True and armed.pending is not None and armed.pending.due_ms is None:
            armed.pending.count += 1
            if armed.pending.count >= armed.counted_hold:
                armed.pending = None
                self._pass_gates(armed, kind, decided_ms)
        elif result is not True:
            self._break_hold(armed, decided_ms)
        if result is not None:
            armed.has_gap = False

    def _judge_leaf(self, armed: Armed, leaf: Leaf) -> None:
        timeframe = armed.timeframe if armed.is_closed else None
        now = armed.values.sides(leaf, timeframe, only_stable=armed.only_stable)
        number = armed.book.begun[leaf.timeframe]
        if armed.is_closed and leaf.timeframe in armed.book.forming:
            number -= 1
        memory = armed.leaves[leaf.path]
        judge_leaf(leaf, memory, now, number)
        self._note_ties(leaf, memory.now.left, memory.now.right, memory.now.upper)

    def _note_ties(self, leaf: Leaf, left: float, right: float, upper: float) -> None:
        bounds = [right, upper]
        if leaf.hysteresis:
            bounds += [right - leaf.hysteresis, right + leaf.hysteresis]
        is_computed = not (leaf.left.is_field and isinstance(leaf.right, float)) or leaf.left.name == "vwap"
        for bound in bounds:
            if is_computed and abs(left - bound) <= TIE * max(1.0, abs(left), abs(bound)) and left is not bound:
                self.ties += 1

    def _take_edge(self, armed: Armed, kind: str, decided_ms: int) -> None:
        if not armed.hold or armed.counted_hold == 1 or armed.is_expired(decided_ms):
            self._pass_gates(armed, kind, decided_ms)
            return
        assert armed.book.last_trade is not None
        trade, seq = armed.book.last_trade
        seconds = armed.hold.get("seconds")
        due = None if seconds is None else decided_ms + round(seconds * 1000)
        armed.pending = Pending(Edge(trade, seq, armed.book.price), due)

    def _fire_due_holds(self, book: Book, now: int) -> None:
        limit = now if is_around_the_clock(book.symbol) else min(now, book.session_close)
        due = [
            (armed.pending.due_ms, armed) for armed in self._armed(book)
            if armed.pending is not None and armed.pending.due_ms is not None and armed.pending.due_ms <= limit
        ]  # fmt: skip
        for due_ms, armed in sorted(due, key=lambda x: (x[0], x[1].text.trigger_id)):
            armed.pending = None
            self._pass_gates(armed, "hold", due_ms)

    def _break_hold(self, armed: Armed, decided_ms: int | None) -> None:
        """Record a pending hold as broken, under the id of the trade of its edge (T29)."""
        if armed.pending is None:
            return
        edge, is_timed = armed.pending.edge, armed.pending.due_ms is not None
        armed.pending = None
        kind = "hold" if is_timed else "candle_close" if armed.is_closed else "tick"
        decided = edge.trade.ts_ms if decided_ms is None else decided_ms
        self._suppress(armed, "hold", self._firing(armed, kind, decided, edge))

    def _pass_gates(self, armed: Armed, kind: str, decided_ms: int) -> None:
        firing = self._firing(armed, kind, decided_ms)
        candle = armed.book.last_begun.get(armed.timeframe)
        session = session_open_before(armed.symbol, armed.book.session, decided_ms)
        reason = armed.closed_gate(decided_ms, candle, session)
        if reason is not None:
            self._suppress(armed, reason, firing)
            return
        armed.remember_firing(decided_ms, candle, session)
        self._decided.append((self._place(armed, firing), "", firing))

    def _firing(self, armed: Armed, kind: str, decided_ms: int, edge: Edge | None = None) -> Fact:
        if edge is None:
            assert armed.book.last_trade is not None, "judged before any trade"
            edge = Edge(*armed.book.last_trade, armed.book.price)
        text, trade = armed.text, edge.trade
        return {
            "firing_id": facts.firing_id(armed, trade.ts_ms, edge.seq),
            "pipeline_id": text.pipeline_id,
            "trigger_id": text.trigger_id,
            "trigger_version": text.version,
            "symbol": armed.symbol,
            "ts_ms": trade.ts_ms,
            "decided_ms": decided_ms,
            "price": edge.price,
            "kind": kind,
            "evidence": facts.evidence(
                armed,
                trade=facts.trade_fact(trade, edge.seq),
                health=self._health_text(armed.symbol),
                feed=self.feed,
                decided_recv_ms=self._recv_ms,
                result=armed.state,
            ),
        }

    def _suppress(self, armed: Armed, reason: str, firing: Fact) -> None:
        self._decided.append((self._place(armed, firing), reason, firing))

    def _place(self, armed: Armed, firing: Fact) -> tuple[int, str, str, int]:
        return firing["decided_ms"], armed.text.trigger_id, armed.symbol, len(self._decided)

    # ---- marks (T13, T20, T21, T24) ----

    def _take_mark(self, mark: Mark) -> None:
        if self.feed_ms is None:
            self._begin_schedules(mark.feed_ms - 1)
        now = self.feed_ms = mark.feed_ms if self.feed_ms is None else max(self.feed_ms, mark.feed_ms)
        self._take_health(mark, now)
        for symbol in self.symbols.values():
            self._pass_time(symbol, now, close_until=now - GRACE_MS)
        self.closed_minutes = max(self.closed_minutes, (now - GRACE_MS) // 60_000 * 60_000)
        self._fire_instants(now)

    # ---- time triggers (T33) ----

    def start_schedules(self, from_ms: int) -> None:
        """Let every schedule count from the first trade of an offline tape (T24)."""
        for armed in self._timed():
            armed.scheduled_after = from_ms - 1

    def _timed(self) -> list[Armed]:
        return [a for rows in self.triggers.values() for a in rows.values() if "schedule" in a.config]

    def _begin_schedules(self, after_ms: int) -> None:
        for armed in self._timed():
            if armed.scheduled_after is None:
                armed.scheduled_after = after_ms

    def _fire_instants(self, now: int) -> None:
        for armed in self._timed():
            if armed.is_paused or armed.scheduled_after is None:
                continue
            schedule = armed.config["schedule"]
            due = instants(schedule, armed.scheduled_after, now)
            armed.scheduled_after = max(armed.scheduled_after, now)
            grace_ms = round(schedule.get("missed_grace_seconds", 60) * 1000)
            old = [i for i in due if now - i > min(grace_ms, DAY_MS)]
            passed_over = old[MISSED_MOST:-1]  # said by the latest of them
            for instant in due:
                if instant in passed_over:
                    continue
                is_latest = schedule.get("missed") == "run_once" and instant == due[-1]
                self._fire_instant(armed, instant, is_missed=now - instant > grace_ms and not is_latest)

    def _fire_instant(self, armed: Armed, instant: int, *, is_missed: bool) -> None:
        if not armed.is_valid_from(instant):
            return
        firing = self._untraded(armed, "time", ts_ms=instant, decided_ms=instant, seq=0)
        session = session_open_before(armed.symbol, armed.book.session, instant)
        reason = armed.closed_gate(instant, None, session)
        if is_missed and reason != "expired":
            reason = "missed"
        if reason is not None:
            self._suppress(armed, reason, firing)
            return
        armed.remember_firing(instant, None, session)
        self._decided.append((self._place(armed, firing), "", firing))

    # ---- news triggers (T34) ----

    def _take_news(self, item: News) -> None:
        if item.published_ms > item.recv_ms + AHEAD_MS:
            return
        for name in sorted(set(item.symbols)):
            if not self._known_news.take(item, name):
                continue
            for rows in self.triggers.values():
                armed = rows.get(name)
                if armed is not None and armed.text.agent_type == "news_trigger" and not armed.is_paused:
                    self._show_news(armed, item)

    def _show_news(self, armed: Armed, item: News) -> None:
        if not armed.is_valid_from(item.recv_ms) or not news.is_wanted(armed.config, item):
            return
        is_after_arming = armed.scheduled_after is not None and item.published_ms > armed.scheduled_after
        age_ms = item.recv_ms - item.published_ms
        is_old = (
            not is_after_arming
            or age_ms > news.age_limit_ms(armed.config)
            or not armed.is_valid_from(item.published_ms - 1)
        )
        firing = self._untraded(armed, "news", ts_ms=item.published_ms, decided_ms=item.recv_ms, seq=item.news_id)
        firing["evidence"] |= {"leaves": tuple(news.parts(armed.config, item)), "news": asdict(item)}
        session = session_open_before(armed.symbol, armed.book.session, item.recv_ms)
        reason = armed.closed_gate(item.recv_ms, None, session)
        if is_old and reason != "expired":
            reason = "old_news"
        if reason is not None:
            self._suppress(armed, reason, firing)
            return
        armed.remember_firing(item.recv_ms, None, session)
        self._decided.append((self._place(armed, firing), "", firing))

    def _untraded(self, armed: Armed, kind: str, *, ts_ms: int, decided_ms: int, seq: int | str) -> Fact:
        text = armed.text
        return {
            "firing_id": facts.firing_id(armed, ts_ms, seq),
            "pipeline_id": text.pipeline_id,
            "trigger_id": text.trigger_id,
            "trigger_version": text.version,
            "symbol": armed.symbol,
            "ts_ms": ts_ms,
            "decided_ms": decided_ms,
            "price": self._price_at(self.symbols[armed.symbol], ts_ms),
            "kind": kind,
            "evidence": facts.evidence(
                armed,
                trade=None,
                health=self._health_text(armed.symbol),
                feed=self.feed,
                decided_recv_ms=self._recv_ms,
                result=True,
            ),
        }

    @staticmethod
    def _price_at(symbol: Symbol, instant: int) -> float | None:
        """Return the last price, or that of the last minute with one before it; None if both are later."""
        if not symbol.prices:
            return None
        last_minute = symbol.prices[-1][0] // 60_000
        earlier = [p for p in symbol.prices if p[0] // 60_000 < last_minute]
        for ts_ms, price in [symbol.prices[-1], *earlier[-1:]]:
            if ts_ms <= instant:
                return price
        return None

    def _state_of(self, name: str) -> str:
        return self.symbol_health.get(name, self.health)

    def _health_text(self, name: str) -> str:
        gap = f" gap_ms={self.gap_ms}" if self.gap_ms else ""
        return self._state_of(name) + gap

    def _take_health(self, mark: Mark, now: int) -> None:
        before = {name: self._state_of(name) for name in self.symbols}
        self.gap_ms, self.health, self.symbol_health = mark.gap_ms, mark.health, mark.symbol_health
        for symbol in self.symbols.values():
            state = self._state_of(symbol.name)
            if before[symbol.name] == "halted" and state != "halted":
                symbol.reopens_at = now + REOPEN_MS
            is_unknown = state not in HEALTHY or now < symbol.reopens_at
            if is_unknown and not symbol.is_unknown:
                self._lose(symbol, now)
            symbol.is_unknown = is_unknown

    def _lose(self, symbol: Symbol, now: int) -> None:
        for rows in self.triggers.values():
            armed = rows.get(symbol.name)
            if armed is None or armed.condition is None:
                continue
            self._break_hold(armed, now)
            if armed.config.get("after_gap", "baseline") == "baseline":
                armed.forget()
            else:
                armed.has_gap = True

    # ---- history and changes ----

    def _take_history(self, history: History) -> None:
        symbol = self.symbol(history.symbol)
        book = self.book(symbol, history.session)
        taken = list(book.load(history.timeframe, history.bars, self.feed_ms))
        seam_ms = taken[-1].end_ms if taken else 0
        if taken:
            ends = book.seams.setdefault(history.timeframe, {})
            ends[history.source] = max(seam_ms, ends.get(history.source, 0))
        for candle in taken:
            closed = Closed(history.timeframe, candle, False, history.source)
            fact = facts.candle_fact(history.symbol, book.session, closed, {}, seam_ms=seam_ms)
            self._closed.append(((history.symbol, 0), fact))
            if history.timeframe == "1m":
                symbol.closed_until = max(symbol.closed_until, candle.end_ms)

    def _take_change(self, change: Change) -> None:
        now = change.at_ms if change.at_ms is not None else self.feed_ms
        known = self.triggers.get(change.trigger_id)
        if change.action == "set":
            self._set(change, known, now)
            return
        if known is None:
            return
        for armed in known.values():
            if change.action == "resume":
                armed.gates.fired_in_session = None
                if armed.is_paused:
                    armed.forget()
                    armed.scheduled_after = now
                armed.is_paused = False
            elif change.action == "remove" or not armed.is_paused:
                self._break_hold(armed, now)
                armed.is_paused = True
        if change.action == "remove":
            del self.triggers[change.trigger_id]

    def _set(self, change: Change, known: dict[str, Armed] | None, now: int | None) -> None:
        text = change.trigger
        assert text is not None
        carried: dict[str, GateMemory] = {}
        if known is not None:
            if next(iter(known.values())).text == text:
                self._take_change(Change("resume", change.trigger_id, at_ms=change.at_ms)) if any(
                    a.is_paused for a in known.values()
                ) else None
                return
            for armed in known.values():
                self._break_hold(armed, now)
                carried[armed.symbol] = armed.gates.carried_over()
            del self.triggers[change.trigger_id]
        session = text.config.get("session", "regular")
        rows: dict[str, Armed] = {}
        for name in text.symbols:
            book = self.book(self.symbol(name), session)
            rows[name] = Armed(text, name, book, carried.get(name, GateMemory()), scheduled_after=now)
        self.triggers[change.trigger_id] = rows
