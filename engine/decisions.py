"""From what the kernel found to Firings and Suppressions: holds, and what time and news decide (T7, T29, T33, T34).

Baselines and edges of triggers without a hold are decided in compiled code (`engine.kernels_decide`).
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from engine import gates, kernels_decide
from engine import layout as at
from engine.candles import SESSIONS, Candles
from engine.decided import (
    DecidedRows,
    Decision,
    Found,
    FoundFirings,
    FoundSuppressions,
    Key,
    Moment,
    key_of,
    make_firing,
)
from engine.evidence import ENGINE_VERSION, Captured, codes_of
from engine.firing import (
    Evidence,
    Firing,
    FiringKind,
    FiringTrade,
    LeafEvidence,
    Suppression,
    SuppressionReason,
    firing_id,
)
from engine.health import FeedHealth
from engine.matcher import Matcher
from engine.news import NewsHit
from engine.news_item import NewsItem
from engine.output import Output
from engine.records import Records
from engine.roster import ArmedTrigger
from engine.runner import Event
from engine.tables import Tables

_MOST_LEAVES = 64


class Decisions:
    """What was decided since the last output, and the holds that are pending."""

    def __init__(self, tables: Tables, candles: Candles, matcher: Matcher, health: FeedHealth, *, feed: str) -> None:
        self._tables = tables
        self._candles = candles
        self._matcher = matcher
        self._health = health
        self._feed = feed
        self._found: list[tuple[Key, Decision]] = []
        self._rows: list[DecidedRows] = []
        self._pending: dict[int, set[int]] = {}
        self._unread: WeakSet[Found] = WeakSet()
        # One decision at a time is captured here.
        self._cursor = np.zeros(at.C_COLUMNS, np.int64)
        self._di = np.zeros((1, at.D_COLUMNS), np.int64)
        self._df = np.zeros(at.DF_LEAVES + _MOST_LEAVES * at.DF_PER_LEAF)

    def put_into(self, output: Output) -> None:
        """Move what was decided into an output: in decision order, then by trigger id."""
        if self._found or self._rows:
            found = Found(self._found, self._rows)
            self._unread.add(found)
            output.firings = Records(FoundFirings(found))
            output.suppressions = Records(FoundSuppressions(found))
            self._found, self._rows = [], []

    def take_rows(
        self,
        ints: NDArray[np.int64],
        numbers: NDArray[np.float64],
        places: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]],
    ) -> None:
        """Take decisions as the kernel captured them, with position, mark and receipt of each one's moment."""
        words = self._health.words()
        self._rows.append(DecidedRows(ints, numbers, places, self._matcher, self._candles, self._feed, words))

    def write_down(self) -> None:
        """Write what was decided and not looked at yet: triggers, or the history they read, are about to change."""
        for found in list(self._unread):
            found.write_down()
        self._unread.clear()

    def restore_pending(self) -> None:
        """Find the pending holds again in restored tables."""
        for row in self._matcher.held_rows():
            self._pending.setdefault(int(self._tables.gi[row, at.G_BLOCK]), set()).add(row)

    def take_events(self, events: list[Event], moment: Moment) -> None:
        """Take what the kernel stopped for, with all tables as the deciding record left them."""
        for what, t, b, decided in events:
            if what == at.HOLDS_DUE:
                self._fire_due_holds(b, decided, moment)
            elif what == at.SESSION_ENDED:
                self._cancel_rows(sorted(self._pending.get(b, ())), decided, moment)
                self._set_due(b)
            else:
                self._take_event(what, self._matcher.armed(t), decided, moment)

    def lose(self, symbol: str, moment: Moment) -> None:
        """Make a symbol's expressions UNKNOWN: holds end, and triggers begin anew or remember (T2)."""
        s = self._candles.ids[symbol]
        for which in (at.S_REGULAR, at.S_EXTENDED):
            b = int(self._tables.si[s, which])
            if b >= 0:
                rows = sorted(self._pending.get(b, ()))
                self._cancel_rows(rows, moment.mark_ms, moment)
                if rows:
                    self._set_due(b)
                self._matcher.lose(b)

    def fire_instant(self, armed: ArmedTrigger, instant: int, moment: Moment, *, is_missed: bool) -> None:
        """Fire a time trigger for one scheduled instant, or say why not (T33)."""
        spec = armed.spec
        if spec.valid_from_ms is not None and instant < spec.valid_from_ms:
            return
        firing = Firing(
            firing_id=firing_id(spec.trigger_id, spec.version, armed.symbol, instant, 0),
            pipeline_id=spec.pipeline_id,
            trigger_id=spec.trigger_id,
            trigger_version=spec.version,
            symbol=armed.symbol,
            ts_ms=instant,
            decided_ms=instant,
            price=self._price_at(armed.symbol, instant),
            kind="time",
            evidence=self._untraded(armed, moment.recv_ms),
        )
        session = gates.session_at(self._tables, armed.block, instant)
        reason: SuppressionReason | None = "missed" if is_missed else None
        if gates.is_expired(self._tables, armed, instant) or reason is None:
            reason = gates.closed_gate(self._tables, armed, decided_ms=instant, session_ms=session)
        if reason is not None:
            self._suppress(firing, reason, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=instant, session_ms=session)
        self._found.append((key_of(firing, moment), firing))

    def fire_news(self, armed: ArmedTrigger, hit: NewsHit, moment: Moment) -> None:
        """Fire a news trigger for one item, or say why not (T34)."""
        spec, item = armed.spec, hit.item
        firing = Firing(
            firing_id=firing_id(spec.trigger_id, spec.version, armed.symbol, item.published_ms, item.news_id),
            pipeline_id=spec.pipeline_id,
            trigger_id=spec.trigger_id,
            trigger_version=spec.version,
            symbol=armed.symbol,
            ts_ms=item.published_ms,
            decided_ms=item.recv_ms,
            price=self._price_at(armed.symbol, item.published_ms),
            kind="news",
            evidence=self._untraded(armed, item.recv_ms, leaves=hit.leaves, news=item),
        )
        session = gates.session_at(self._tables, armed.block, item.recv_ms)
        reason = gates.closed_gate(self._tables, armed, decided_ms=item.recv_ms, session_ms=session)
        if hit.is_old and reason != "expired":
            reason = "old_news"
        if reason is not None:
            self._suppress(firing, reason, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=item.recv_ms, session_ms=session)
        self._found.append((key_of(firing, moment), firing))

    def _untraded(
        self, armed: ArmedTrigger, recv_ms: int, *, leaves: tuple[LeafEvidence, ...] = (), news: NewsItem | None = None
    ) -> Evidence:
        """Return the evidence of what no trade decided."""
        return Evidence(
            leaves=leaves,
            result=True,
            flags=(),
            health=self._health.words().text(armed.symbol),
            feed=self._feed,
            trade=None,
            decided_recv_ms=recv_ms,
            config_hash=armed.spec.config_hash,
            engine_version=ENGINE_VERSION,
            news=news,
        )

    def _price_at(self, symbol: str, ts_ms: int) -> float | None:
        """Return the last `price` of any session at or before a time, as far back as the minute before."""
        s = self._candles.ids[symbol]
        row, prices = self._tables.si[s], self._tables.sf[s]
        if at.UNSET < row[at.S_PRICE_TS] <= ts_ms:
            return float(prices[at.SF_PRICE])
        if at.UNSET < row[at.S_PREV_PRICE_TS] <= ts_ms:
            return float(prices[at.SF_PREV_PRICE])
        return None

    def _take_event(self, what: int, armed: ArmedTrigger, decided: int, moment: Moment) -> None:
        row = self._tables.gi[armed.row]
        kind: FiringKind = "candle_close" if armed.is_closed else "tick"
        if what == at.BROKEN:
            self._cancel_rows([armed.row], decided, moment)
            self._set_due(armed.block)
        elif what == at.HOLD_COUNTED:
            self._end_hold(armed)
            self._set_due(armed.block)
            self._pass_gates(armed, kind, decided, moment)
        else:
            self._take_edge(armed, kind, decided, moment)
        row[at.G_BITS] &= ~at.SIGN_GAP

    def _take_edge(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: Moment) -> None:
        hold = armed.spec.hold
        needed = (hold.trades or hold.candles) if hold else 0
        if hold is None or gates.is_expired(self._tables, armed, decided):
            self._pass_gates(armed, kind, decided, moment)
            return
        t, number = self._tables, self._tables.begin_hold(armed.row)
        row, last = t.holds[number], t.bi[armed.block, at.I_LAST]
        row[at.HO_PENDING] = at.PENDING_TIME if hold.ms else at.PENDING_COUNT
        row[at.HO_COUNT], row[at.HO_NEEDED] = 1, needed
        row[at.HO_DUE] = decided + hold.ms if hold.ms else at.NEVER
        row[at.HO_EDGE_TS], row[at.HO_EDGE_RECV] = last[at.L_TS], last[at.L_RECV]
        row[at.HO_EDGE_SEQ], row[at.HO_EDGE_CODES] = last[at.L_SEQ], last[at.L_CODES]
        t.hold_trades[number] = t.bf[armed.block, at.F_SCALARS, : at.HF_COLUMNS]
        self._pending.setdefault(armed.block, set()).add(armed.row)
        self._matcher.judge_next(armed.row)
        self._set_due(armed.block)

    # ---- holds (T7) ----

    def _set_due(self, b: int) -> None:
        """Tell the kernel when the block's next hold is due, and when its session's end cancels holds."""
        time = self._tables.bi[b, at.I_TIME]
        rows = self._pending.get(b)
        if not rows:
            time[at.T_HOLD_DUE] = time[at.T_CANCEL] = at.NEVER
            return
        due = min(self._due(t) for t in rows)
        if self._tables.bi[b, at.I_OF, at.O_CAL_N]:  # a 24/7 symbol has no end
            time[at.T_CANCEL] = time[at.T_SESSION_CLOSE]
            due = due if due <= time[at.T_SESSION_CLOSE] else at.NEVER
        time[at.T_HOLD_DUE] = due

    def _fire_due_holds(self, b: int, now: int, moment: Moment) -> None:
        limit = min(now, int(self._tables.bi[b, at.I_TIME, at.T_CANCEL]))
        due = [self._matcher.armed(t) for t in self._pending.get(b, ()) if self._due(t) <= limit]
        due.sort(key=lambda a: (self._due(a.row), a.spec.trigger_id))
        for armed in due:
            decided = self._due(armed.row)
            self._end_hold(armed)
            self._pass_gates(armed, "hold", decided, moment)
        self._set_due(b)

    def _due(self, t: int) -> int:
        hold = self._tables.hold_of(t)
        return at.NEVER if hold is None else int(hold[at.HO_DUE])

    def _end_hold(self, armed: ArmedTrigger) -> None:
        self._tables.end_hold(armed.row)
        self._pending[armed.block].discard(armed.row)

    def _cancel_rows(self, rows: Iterable[int], decided: int, moment: Moment) -> None:
        """Record each pending hold as broken, named after the trade of its edge."""
        for t in rows:
            armed = self._matcher.armed(t)
            number = int(self._tables.gi[t, at.G_HOLD]) - 1
            row, values = self._tables.holds[number], self._tables.hold_trades[number]
            kind: FiringKind = "candle_close" if armed.is_closed else "tick"
            trade = FiringTrade(
                ts_ms=int(row[at.HO_EDGE_TS]),
                recv_ms=int(row[at.HO_EDGE_RECV]),
                seq=int(row[at.HO_EDGE_SEQ]),
                price=float(values[at.HF_TRADE_PRICE]),
                size=float(values[at.HF_TRADE_SIZE]),
                codes=codes_of(int(row[at.HO_EDGE_CODES])),
            )
            if row[at.HO_PENDING] == at.PENDING_TIME:
                kind = "hold"
            firing = self._firing(armed, kind, decided, moment, trade=trade, price=float(values[at.HF_PRICE]))
            self._end_hold(armed)
            self._suppress(firing, "hold", moment)

    def cancel_holds(self, rows: Iterable[ArmedTrigger], now: int | None, moment: Moment) -> None:
        for armed in rows:
            hold = self._tables.hold_of(armed.row)
            if hold is not None:
                decided = now if now is not None else int(hold[at.HO_EDGE_TS])
                self._cancel_rows([armed.row], decided, moment)
                self._set_due(armed.block)

    # ---- from an edge to a Firing ----

    def _firing(
        self,
        armed: ArmedTrigger,
        kind: FiringKind,
        decided: int,
        moment: Moment,
        *,
        trade: FiringTrade | None = None,
        price: float | None = None,
    ) -> Firing:
        t, b = self._tables, armed.block
        self._cursor[:] = 0
        kernels_decide.capture(
            t.bf, t.bi, armed.row, decided, at.R_FIRES, t.ni, t.nf, t.qi, t.shapes, t.vi, t.vf, t.gi, t.policies,
            self._cursor, self._di, self._df,
        )  # fmt: skip
        numbers: list[float] = self._df[: self._cursor[at.C_NUMBERS]].tolist()
        ints: list[int] = self._di[0].tolist()
        session, seams = SESSIONS[self._candles.block_of[b][1]], self._candles.seams.get(b, {})
        return make_firing(
            Captured(armed.spec, armed.leaves, session, seams, ints, numbers),
            armed.symbol,
            kind=kind,
            moment=moment,
            feed=self._feed,
            health=self._health.words().text(armed.symbol),
            trade=trade,
            price=price,
        )

    def _pass_gates(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: Moment) -> None:
        firing = self._firing(armed, kind, decided, moment)
        reason = gates.REASONS[gates.pass_gates(self._tables, armed, decided_ms=decided)]
        if reason is not None:
            self._suppress(firing, reason, moment)
            return
        self._found.append((key_of(firing, moment), firing))

    def _suppress(self, firing: Firing, reason: SuppressionReason, moment: Moment) -> None:
        self._found.append((key_of(firing, moment), Suppression(firing, reason)))
