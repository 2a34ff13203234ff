"""From what the kernel found to Firings and Suppressions: baselines, holds, gates (T1, T2, T7, T9, T26, T29)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from engine import gates
from engine import layout as at
from engine.candles import Candles
from engine.evidence import EvidenceWriter, codes_of, last_trade
from engine.firing import Firing, FiringKind, FiringTrade, Suppression, SuppressionReason, firing_id
from engine.health import FeedHealth
from engine.matcher import ArmedTrigger, Matcher
from engine.news import NewsHit
from engine.output import Output
from engine.runner import Event, Moment
from engine.tables import Tables

_Key = tuple[float, int, int, str, str, int]


class Decisions:
    """What was decided since the last output, and the holds that are pending."""

    def __init__(self, tables: Tables, candles: Candles, matcher: Matcher, health: FeedHealth, *, feed: str) -> None:
        self._tables = tables
        self._candles = candles
        self._matcher = matcher
        self._health = health
        self._evidence = EvidenceWriter(tables, candles, feed)
        self._found: list[tuple[_Key, Firing | Suppression]] = []
        self._pending: dict[int, set[int]] = {}

    def put_into(self, output: Output) -> None:
        """Move what was decided into an output: in decision order, then by trigger id."""
        self._found.sort(key=lambda found: found[0])
        for _, found in self._found:
            if isinstance(found, Firing):
                output.firings.append(found)
            else:
                output.suppressions.append(found)
        self._found.clear()

    def restore_pending(self) -> None:
        """Find the pending holds again in restored tables."""
        for row, armed in self._matcher.armed.items():
            if self._tables.gi[row, at.G_PENDING]:
                self._pending.setdefault(armed.block, set()).add(row)

    def take_events(self, events: list[Event], moment: Moment) -> None:
        """Take what the kernel stopped for, with all tables as the deciding record left them."""
        for what, t, b, decided in events:
            if what == at.HOLDS_DUE:
                self._fire_due_holds(b, decided, moment)
            elif what == at.SESSION_ENDED:
                self._cancel_rows(sorted(self._pending.get(b, ())), decided, moment)
                self._set_due(b)
            else:
                self._take_event(what, self._matcher.armed[t], decided, moment)

    def lose(self, symbol: str, moment: Moment) -> None:
        """Make a symbol's expressions UNKNOWN: holds end, and triggers begin anew or remember (T2)."""
        s = self._candles.ids[symbol]
        for which in (at.S_REGULAR, at.S_EXTENDED):
            b = int(self._tables.si[s, which])
            for armed in list(self._matcher.of_block(b)) if b >= 0 else ():
                self.cancel_holds([armed], moment.mark_ms, moment)
                if armed.spec.after_gap == "baseline":
                    self._matcher.forget(armed)
                else:
                    self._tables.gi[armed.row, at.G_GAP] = 1
                    self._matcher.judge_next(armed)

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
            evidence=self._evidence.write(
                armed, trade=None, health=self._health.text(armed.symbol), decided_recv_ms=moment.recv_ms
            ),
        )
        session = self._session_at(armed.block, instant)
        reason: SuppressionReason | None = "missed" if is_missed else None
        if gates.is_expired(self._tables, armed, instant) or reason is None:
            reason = gates.closed_gate(self._tables, armed, decided_ms=instant, candle_ms=at.UNSET, session_ms=session)
        if reason is not None:
            self._suppress(armed, reason, firing, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=instant, candle_ms=at.UNSET, session_ms=session)
        self._found.append((self._key(armed, firing, moment), firing))

    def fire_news(self, armed: ArmedTrigger, hit: NewsHit, moment: Moment) -> None:
        """Fire a news trigger for one item, or say why not (T34)."""
        spec, item = armed.spec, hit.item
        evidence = self._evidence.write(
            armed, trade=None, health=self._health.text(armed.symbol), decided_recv_ms=item.recv_ms
        )
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
            evidence=replace(evidence, leaves=hit.leaves, news=item),
        )
        session = self._session_at(armed.block, item.recv_ms)
        reason = gates.closed_gate(self._tables, armed, decided_ms=item.recv_ms, candle_ms=at.UNSET, session_ms=session)
        if hit.is_old and reason != "expired":
            reason = "old_news"
        if reason is not None:
            self._suppress(armed, reason, firing, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=item.recv_ms, candle_ms=at.UNSET, session_ms=session)
        self._found.append((self._key(armed, firing, moment), firing))

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
        if what == at.BASELINE:
            self._suppress(armed, "baseline", self._firing(armed, kind, decided, moment), moment)
        elif what == at.BROKEN:
            self._cancel_rows([armed.row], decided, moment)
            self._set_due(armed.block)
        elif what == at.HOLD_COUNTED:
            self._end_hold(armed)
            self._set_due(armed.block)
            self._pass_gates(armed, kind, decided, moment)
        else:
            self._take_edge(armed, kind, decided, moment)
        row[at.G_GAP] = 0

    def _take_edge(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: Moment) -> None:
        hold = armed.spec.hold
        needed = (hold.trades or hold.candles) if hold else 0
        if hold is None or needed == 1 or gates.is_expired(self._tables, armed, decided):
            self._pass_gates(armed, kind, decided, moment)
            return
        row = self._tables.gi[armed.row]
        row[at.G_PENDING] = at.PENDING_TIME if hold.ms else at.PENDING_COUNT
        row[at.G_COUNT], row[at.G_NEEDED] = 1, needed
        row[at.G_HOLD_DUE] = decided + hold.ms if hold.ms else at.NEVER
        last, scalars = self._tables.bi[armed.block, at.I_LAST], self._tables.bf[armed.block, at.F_SCALARS]
        row[at.G_EDGE_TS], row[at.G_EDGE_RECV] = last[at.L_TS], last[at.L_RECV]
        row[at.G_EDGE_SEQ], row[at.G_EDGE_CODES] = last[at.L_SEQ], last[at.L_CODES]
        self._tables.gf[armed.row] = scalars[: at.GF_COLUMNS]
        self._pending.setdefault(armed.block, set()).add(armed.row)
        self._matcher.judge_next(armed)
        self._set_due(armed.block)

    # ---- holds (T7) ----

    def _set_due(self, b: int) -> None:
        """Tell the kernel when the block's next hold is due, and when its session's end cancels holds."""
        time = self._tables.bi[b, at.I_TIME]
        rows = self._pending.get(b)
        if not rows:
            time[at.T_HOLD_DUE] = time[at.T_CANCEL] = at.NEVER
            return
        due = min(int(self._tables.gi[t, at.G_HOLD_DUE]) for t in rows)
        if self._tables.bi[b, at.I_OF, at.O_CAL_N]:  # a 24/7 symbol has no end
            time[at.T_CANCEL] = time[at.T_SESSION_CLOSE]
            due = due if due <= time[at.T_SESSION_CLOSE] else at.NEVER
        time[at.T_HOLD_DUE] = due

    def _fire_due_holds(self, b: int, now: int, moment: Moment) -> None:
        gi = self._tables.gi
        limit = min(now, int(self._tables.bi[b, at.I_TIME, at.T_CANCEL]))
        due = [self._matcher.armed[t] for t in self._pending.get(b, ()) if gi[t, at.G_HOLD_DUE] <= limit]
        due.sort(key=lambda a: (int(gi[a.row, at.G_HOLD_DUE]), a.spec.trigger_id))
        for armed in due:
            decided = int(gi[armed.row, at.G_HOLD_DUE])
            self._end_hold(armed)
            self._pass_gates(armed, "hold", decided, moment)
        self._set_due(b)

    def _end_hold(self, armed: ArmedTrigger) -> None:
        row = self._tables.gi[armed.row]
        row[at.G_PENDING] = at.NOT_PENDING
        row[at.G_HOLD_DUE] = at.NEVER
        self._pending[armed.block].discard(armed.row)

    def _cancel_rows(self, rows: Iterable[int], decided: int, moment: Moment) -> None:
        """Record each pending hold as broken, named after the trade of its edge."""
        for t in rows:
            armed = self._matcher.armed[t]
            row, values = self._tables.gi[t], self._tables.gf[t]
            kind: FiringKind = "candle_close" if armed.is_closed else "tick"
            trade = FiringTrade(
                ts_ms=int(row[at.G_EDGE_TS]),
                recv_ms=int(row[at.G_EDGE_RECV]),
                seq=int(row[at.G_EDGE_SEQ]),
                price=float(values[at.GF_TRADE_PRICE]),
                size=float(values[at.GF_TRADE_SIZE]),
                codes=codes_of(int(row[at.G_EDGE_CODES]) & 0xFFFF_FFFF_FFFF_FFFF),
            )
            if row[at.G_PENDING] == at.PENDING_TIME:
                kind = "hold"
            firing = self._firing(armed, kind, decided, moment, trade=trade, price=float(values[at.GF_PRICE]))
            self._end_hold(armed)
            self._suppress(armed, "hold", firing, moment)

    def cancel_holds(self, rows: Iterable[ArmedTrigger], now: int | None, moment: Moment) -> None:
        for armed in rows:
            if self._tables.gi[armed.row, at.G_PENDING]:
                decided = now if now is not None else int(self._tables.gi[armed.row, at.G_EDGE_TS])
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
        if trade is None:
            trade = last_trade(t, b)
            price = float(t.bf[b, at.F_SCALARS, at.FS_PRICE])
        if trade is None:
            raise AssertionError(f"{armed.spec.trigger_id} was judged before any trade of {armed.symbol}")
        return Firing(
            firing_id=firing_id(armed.spec.trigger_id, armed.spec.version, armed.symbol, trade.ts_ms, trade.seq),
            pipeline_id=armed.spec.pipeline_id,
            trigger_id=armed.spec.trigger_id,
            trigger_version=armed.spec.version,
            symbol=armed.symbol,
            ts_ms=trade.ts_ms,
            decided_ms=decided,
            price=price,
            kind=kind,
            evidence=self._evidence.write(
                armed, trade=trade, health=self._health.text(armed.symbol), decided_recv_ms=moment.recv_ms
            ),
        )

    def _pass_gates(self, armed: ArmedTrigger, kind: FiringKind, decided: int, moment: Moment) -> None:
        candle = int(self._tables.bi[armed.block, at.I_START, armed.lane])
        session = self._session_at(armed.block, decided)
        firing = self._firing(armed, kind, decided, moment)
        reason = gates.closed_gate(self._tables, armed, decided_ms=decided, candle_ms=candle, session_ms=session)
        if reason is not None:
            self._suppress(armed, reason, firing, moment)
            return
        gates.remember_firing(self._tables, armed, decided_ms=decided, candle_ms=candle, session_ms=session)
        self._found.append((self._key(armed, firing, moment), firing))

    def _suppress(self, armed: ArmedTrigger, reason: SuppressionReason, firing: Firing, moment: Moment) -> None:
        self._found.append((self._key(armed, firing, moment), Suppression(firing, reason)))

    def _key(self, armed: ArmedTrigger, firing: Firing, moment: Moment) -> _Key:
        ids = (armed.spec.trigger_id, armed.symbol)
        return (moment.position, moment.mark_ms, firing.decided_ms, *ids, len(self._found))

    def _session_at(self, b: int, ts_ms: int) -> int:
        """Return the open of the block's session at or before a time; of a 24/7 symbol its UTC midnight."""
        off, n = (int(x) for x in self._tables.bi[b, at.I_OF, at.O_CAL_OFF : at.O_CAL_N + 1])
        if n == 0:
            return ts_ms // at.DAY_MS * at.DAY_MS
        opens = self._tables.sessions[off : off + n, 0]
        i = int(np.searchsorted(opens, ts_ms, side="right")) - 1
        return int(opens[i]) if i >= 0 else at.UNSET
