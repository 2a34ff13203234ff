"""Symbols, their candles by session, and the indicators computed on them."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.condition import TIMEFRAMES, Session, Timeframe
from engine.evidence import Seams
from engine.firing import HistorySeam
from engine.indicators.column import parse_column
from engine.indicators.definition import Params
from engine.indicators.registry import INDICATORS, KINDS
from engine.indicators.state import RING_FIELDS, STARTED, VWAP
from engine.kernels_candles import LENGTHS, rebuild_indicator
from engine.sessions import ALWAYS, EXTENDED, SessionTable, night_ms
from engine.tables import Tables
from engine.watched import Picks, Watched

LANE_OF: dict[str, int] = {timeframe: lane for lane, timeframe in enumerate(TIMEFRAMES)}
SESSIONS: tuple[Session, Session] = ("regular", "extended")
MAX_RING = 8192
"""Candles kept of one timeframe at most, whatever is asked for."""


class SessionCalendars(Protocol):
    """What the engine asks of calendars (`engine.sessions.Calendars`)."""

    def calendar_of(self, symbol: str) -> str: ...

    def table(self, calendar: str, session: Session = "regular") -> SessionTable: ...


class Kind(NamedTuple):
    """What an indicator computes, in whichever block."""

    lane: int
    name: str
    params: Params


@dataclass(slots=True)
class HistoryColumns:
    """Closed candles of one timeframe, oldest first; `ts_ms` is each one's start. All of one length.

    `seam_ms` says of each where another source takes over (T22); empty where that is the end of the last.
    """

    ts_ms: Sequence[int] | NDArray[np.int64]
    open: Sequence[float] | NDArray[np.float64]
    high: Sequence[float] | NDArray[np.float64]
    low: Sequence[float] | NDArray[np.float64]
    close: Sequence[float] | NDArray[np.float64]
    volume: Sequence[float] | NDArray[np.float64]
    vwap: Sequence[float] | NDArray[np.float64]
    trades: Sequence[int] | NDArray[np.int64]
    seam_ms: Sequence[int] = ()


class Candles:
    """Who is in the tables: symbols, blocks (symbol and session), indicators, and who watches which.

    An indicator exists once for all who watch the same (T32). It is counted: the last to let go frees it.
    """

    def __init__(self, tables: Tables, calendars: SessionCalendars, *, ring_candles: int, is_offline: bool) -> None:
        self._tables = tables
        self._calendars = calendars
        self._ring_candles = max(64, 1 << (ring_candles - 1).bit_length())
        self._is_offline = is_offline
        self._sessions: dict[tuple[str, Session], tuple[int, int]] = {}
        self.symbols: list[str] = []
        self.ids: dict[str, int] = {}
        self.block_of: list[tuple[int, int]] = []
        """Symbol id and session number (place in SESSIONS) of each block."""
        self.kept_sessions: set[Session] = {"regular"}
        self._indicators: dict[Kind, dict[int, int]] = {}
        """Indicator by block, of each kind."""
        self.kind_of: dict[int, Kind] = {}
        """The indicators there are."""
        self._users: Counter[int] = Counter()
        self.lanes: dict[tuple[int, int], list[int]] = {}
        """Indicators of each (block, lane) in the order the kernel computes them."""
        self._columns: dict[tuple[int, int], dict[str, int]] = {}
        self._watched: dict[Session, list[tuple[str, int]]] = {"regular": [], "extended": []}
        self._ranks: NDArray[np.int64] = np.zeros(0, np.int64)
        self._picks: dict[tuple[int, int], Picks] = {}
        self._moment: Callable[[], Watched | None] = lambda: None
        self.dirty: set[int] = set()
        self.seams: dict[int, Seams] = {}
        """The history in each block's candles, for the evidence of firings."""
        self.max_values = 0

    def symbol_id(self, symbol: str) -> int:
        """Return the symbol's row, made when it is new, with the candles of every session kept."""
        known = self.ids.get(symbol)
        if known is not None:
            return known
        s = self._tables.add_symbol()
        self.symbols.append(symbol)
        self.ids[symbol] = s
        for session in SESSIONS:
            if session in self.kept_sessions:
                self.block(s, session)
        return s

    def keep(self, session: Session) -> None:
        """Keep this session's candles for every symbol, those to come as well."""
        if session not in self.kept_sessions:
            self.kept_sessions.add(session)
            for s in range(len(self.symbols)):
                self.block(s, session)

    def block(self, s: int, session: Session) -> int:
        """Return the block of a symbol and session, made when it is new.

        Where extended hours are the regular ones (24/7, most exchanges) both are the same block.
        """
        known = int(self._tables.si[s, at.S_REGULAR])
        if session == "regular" and known >= 0:
            return known
        calendar = self._calendars.calendar_of(self.symbols[s])
        if session == "extended" and calendar not in EXTENDED:
            session = "regular"
        column = at.S_REGULAR if session == "regular" else at.S_EXTENDED
        known = int(self._tables.si[s, column])
        if known >= 0:
            return known
        b = self._tables.add_block(self._ring_candles)
        row = self._tables.bi[b]
        if calendar != ALWAYS:
            row[at.I_OF, at.O_CAL_OFF], row[at.I_OF, at.O_CAL_N] = self._session_rows(calendar, session)
        row[at.I_OF, at.O_SYMBOL] = s
        row[at.I_OF, at.O_SESSION] = SESSIONS.index(session)
        if self._is_offline:
            # A file counts as complete from its first trade (T17).
            row[at.I_LAST, at.L_FIRST_TS] = row[at.I_LAST, at.L_COVER_FROM] = at.UNSET + 1
        self._tables.si[s, column] = b
        self.block_of.append((s, SESSIONS.index(session)))
        for text, lane in self._watched[session]:
            self.ask(b, lane, text)
        self.dirty.add(b)
        return b

    def blocks(self, symbols: Sequence[str], session: Session) -> NDArray[np.int64]:
        """Return the block of each of many symbols, made where it is new."""
        for symbol in symbols:
            if symbol not in self.ids:
                self.symbol_id(symbol)
        ids = np.array(list(map(self.ids.__getitem__, symbols)), np.int64)
        found = self._tables.si[ids, at.S_REGULAR if session == "regular" else at.S_EXTENDED]
        missing = found < 0
        if missing.any():
            asked: list[int] = ids[missing].tolist()
            made = {s: self.block(s, session) for s in dict.fromkeys(asked)}
            found[missing] = [made[s] for s in asked]
        return found

    def _session_rows(self, calendar: str, session: Session) -> tuple[int, int]:
        known = self._sessions.get((calendar, session))
        if known is None:
            table = self._calendars.table(calendar, session)
            bounds = np.column_stack((table.opens_ms, table.closes_ms)).astype(np.int64)
            known = (self._tables.add_sessions(bounds), len(bounds))
            self._sessions[calendar, session] = known
        return known

    def watch(self, indicators: Iterable[tuple[str, Timeframe]], session: Session) -> None:
        """Give these columns with every closed candle of every symbol, those to come as well.

        Raises:
            ValueError: a column that is not the canonical name of an indicator's output.
        """
        for text, timeframe in indicators:
            parse_column(text)
            wanted = (text, LANE_OF[timeframe])
            if wanted in self._watched[session]:
                continue
            self._watched[session].append(wanted)
            blocks = [b for b, (_, number) in enumerate(self.block_of) if SESSIONS[number] == session]
            self._ask_all(blocks, LANE_OF[timeframe], text)

    def ask(self, b: int, lane: int, text: str) -> int:
        """Count one more who wants this column of a block's candles; return its indicator."""
        [i] = self._ask_all([b], lane, text)
        return i

    def _ask_all(self, blocks: Sequence[int], lane: int, text: str) -> list[int]:
        """Count one more who wants this column, in each of these blocks (all different); return the indicators."""
        column = parse_column(text)
        kind = Kind(lane, column.definition.name, column.params)
        self._settle_picks(blocks, lane)
        by_block = self._indicators.setdefault(kind, {})
        if missing := [b for b in blocks if b not in by_block]:
            self._add_indicators(kind, missing, by_block)
        found = [by_block[b] for b in blocks]
        self._users.update(found)
        for b in blocks:
            wanted = self._columns.get((b, lane))
            if wanted is None:
                self._columns[b, lane] = {text: 1}
            else:
                wanted[text] = wanted.get(text, 0) + 1
        return found

    def drop(self, b: int, lane: int, text: str) -> None:
        """Count one less; what nobody wants is freed."""
        self._settle_picks([b], lane)
        column = parse_column(text)
        wanted = self._columns[b, lane]
        wanted[text] -= 1
        if wanted[text] == 0:
            del wanted[text]
        kind = Kind(lane, column.definition.name, column.params)
        i = self._indicators[kind][b]
        self._users[i] -= 1
        if self._users[i] == 0:
            del self._users[i], self._indicators[kind][b], self.kind_of[i]
            if not self._indicators[kind]:
                del self._indicators[kind]
            self.lanes[b, lane].remove(i)
            self._free_hist(i)
            self._tables.free_indicator(i)
            self.dirty.add(b)

    def _add_indicators(self, kind: Kind, missing: Sequence[int], by_block: dict[int, int]) -> None:
        """Add an indicator of one kind in each of these blocks."""
        lane, name, params = kind
        definition, t = INDICATORS[name], self._tables
        blocks = np.array(missing, np.int64)
        rows = t.add_indicators(len(missing), definition.width)
        t.ni[rows, at.N_KIND] = KINDS[name]
        t.ni[rows, at.N_BLOCK], t.ni[rows, at.N_LANE] = blocks, lane
        t.ni[rows, at.N_STABLE] = definition.stable(params)
        t.nf[rows, at.NF_PARAMS : at.NF_PARAMS + len(params)] = params
        if definition.reads_session:
            t.nf[rows, at.NF_PARAMS + len(params)] = [self._night_of(b) for b in blocks.tolist()]
        added: list[int] = rows.tolist()
        by_block.update(zip(missing, added, strict=True))
        self.kind_of.update(dict.fromkeys(added, kind))
        for b, i in zip(missing, added, strict=True):
            self.lanes.setdefault((b, lane), []).append(i)
        candles = definition.window(params) + 1
        for b in blocks[t.bi[blocks, at.I_RING_CAP, lane] < min(MAX_RING, candles)].tolist():
            self.ensure_ring(b, lane, candles)
        if own_past := definition.own_past(params):
            for i in added:
                self.ensure_hist(i, own_past)
        for i in rows[t.bi[blocks, at.I_CLOSED, lane] > 0].tolist():
            self.rebuild(i)
        t.bi[blocks, at.I_LISTS, at.K_STALE] |= 1 << lane
        self.dirty.update(blocks.tolist())

    def _night_of(self, b: int) -> int:
        off, n = (int(x) for x in self._tables.bi[b, at.I_OF, at.O_CAL_OFF : at.O_CAL_N + 1])
        return night_ms(self._tables.sessions[off : off + n, 0], self._tables.sessions[off : off + n, 1])

    def picks(self, b: int, lane: int) -> Picks:
        """Return each wanted column with its place among the values that the kernel writes for the lane."""
        known = self._picks.get((b, lane))
        if known is None:
            known = self._picks[b, lane] = self._find_picks(b, lane)
        return known

    def watched_now(self) -> Watched:
        """Return which columns of which lanes are wanted at this moment."""
        moment = self._moment()
        if moment is None or moment.has_changed:
            now = Watched(self.picks)
            if moment is not None:
                moment.later = now
            moment, self._moment = now, weakref.ref(now)
        return moment

    def _settle_picks(self, blocks: Sequence[int], lane: int) -> None:
        """Tell whoever may still ask what was wanted of some lanes: it is about to change."""
        moment = self._moment()
        if moment is not None:
            for b in blocks:
                moment.settle(b, lane)
        for b in blocks if self._picks else ():
            self._picks.pop((b, lane), None)

    def _find_picks(self, b: int, lane: int) -> Picks:
        places: dict[tuple[str, Params], int] = {}
        place = 0
        for i in self.lanes.get((b, lane), ()):
            kind = self.kind_of[i]
            places[kind.name, kind.params] = place
            place += INDICATORS[kind.name].width
        found: list[tuple[str, int]] = []
        for text in sorted(self._columns.get((b, lane), ())):
            column = parse_column(text)
            found.append((text, places[column.definition.name, column.params] + column.index))
        return found

    def ensure_hist(self, i: int, candles: int) -> None:
        """Keep at least so many closed values of an indicator."""
        t = self._tables
        wanted = max(64, 1 << max(0, candles - 1).bit_length())
        if wanted <= int(t.ni[i, at.N_HIST_CAP]):
            return
        self._free_hist(i)
        width = int(t.ni[i, at.N_WIDTH])
        t.ni[i, at.N_HIST_OFF] = t.add_ring(width * wanted)
        t.ni[i, at.N_HIST_CAP] = wanted
        self._refill_hist(i)

    def _refill_hist(self, i: int) -> None:
        """Compute past values on the side: the running state, which may know more candles, stays."""
        t = self._tables
        first, width = int(t.ni[i, at.N_OUT]), int(t.ni[i, at.N_WIDTH])
        state, closed = t.nf[i].copy(), t.closed[first : first + width].copy()
        self.rebuild(i)
        t.nf[i] = state
        t.closed[first : first + width] = closed

    def _free_hist(self, i: int) -> None:
        t = self._tables
        t.free_ring(int(t.ni[i, at.N_HIST_OFF]), int(t.ni[i, at.N_HIST_CAP] * t.ni[i, at.N_WIDTH]))
        t.ni[i, at.N_HIST_CAP] = 0

    def ensure_ring(self, b: int, lane: int, candles: int) -> None:
        """Keep at least so many closed candles of a lane (a power of two, MAX_RING at most)."""
        t = self._tables
        cap = int(t.bi[b, at.I_RING_CAP, lane])
        wanted = min(MAX_RING, 1 << max(0, candles - 1).bit_length())
        if wanted <= cap:
            return
        old = int(t.bi[b, at.I_RING_OFF, lane])
        new = t.add_ring(RING_FIELDS * wanted)
        k = int(t.bi[b, at.I_CLOSED, lane])
        for candle in range(max(0, k - cap), k):
            for field in range(RING_FIELDS):
                t.ring[new + field * wanted + candle % wanted] = t.ring[old + field * cap + candle % cap]
        t.free_ring(old, RING_FIELDS * cap)
        t.bi[b, at.I_RING_OFF, lane] = new
        t.bi[b, at.I_RING_CAP, lane] = wanted

    def rebuild(self, i: int) -> NDArray[np.float64]:
        """Run an indicator over all candles its ring still has; return the values, one row a candle."""
        t = self._tables
        b, lane = int(t.ni[i, at.N_BLOCK]), int(t.ni[i, at.N_LANE])
        k, cap = int(t.bi[b, at.I_CLOSED, lane]), int(t.bi[b, at.I_RING_CAP, lane])
        first = max(0, k - cap)
        t.bi[b, at.I_LISTS, at.K_STALE] |= 1 << lane
        values = np.empty((k - first, int(t.ni[i, at.N_WIDTH])))
        rebuild_indicator(t.ni, t.nf, t.closed, t.ring, i, int(t.bi[b, at.I_RING_OFF, lane]), cap, first, k, values)
        return values

    def ring_rows(self, b: int, lane: int) -> NDArray[np.float64]:
        """Return the closed candles kept of a lane, oldest first, shape (n, RING_FIELDS); a copy."""
        t = self._tables
        k, cap = int(t.bi[b, at.I_CLOSED, lane]), int(t.bi[b, at.I_RING_CAP, lane])
        off = int(t.bi[b, at.I_RING_OFF, lane])
        cells = t.ring[off : off + RING_FIELDS * cap].reshape(RING_FIELDS, cap)
        return cells[:, np.arange(max(0, k - cap), k) % cap].T.copy()

    def put_rings(self, counts: NDArray[np.int64], caps: NDArray[np.int64], rows: NDArray[np.float64]) -> None:
        """Write the restored candles of all blocks and lanes, the last of each of which is number I_CLOSED - 1.

        Args:
            counts: Candles of each, shape (blocks, LANES), as `caps`, how many each keeps.
            rows: The candles, block by block, lane by lane, oldest first, shape (n, RING_FIELDS).
        """
        t, n = self._tables, len(counts)
        lanes = counts.shape[1]
        for b, lane in np.argwhere(caps > t.bi[:n, at.I_RING_CAP, :lanes]).tolist():
            self.ensure_ring(b, lane, int(caps[b, lane]))
        cap, off, closed = (
            t.bi[:n, column, :lanes].astype(np.int64).ravel() for column in (at.I_RING_CAP, at.I_RING_OFF, at.I_CLOSED)
        )
        of = counts.ravel()
        where = np.repeat(np.arange(len(of)), of)
        number = np.arange(len(where)) - np.repeat(np.cumsum(of) - of, of)
        step = cap[where]
        place = off[where] + (closed[where] - of[where] + number) % step
        for field in range(RING_FIELDS):
            t.ring[place + field * step] = rows[:, field]

    def rows_of(self, kinds: Sequence[Kind], kind: NDArray[np.int64], block: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of indicators that somebody wants; `kind` and `block` say of each which one it is."""
        found = np.empty(len(kind), np.int64)
        order = np.argsort(kind, kind="stable")
        bounds = np.searchsorted(kind[order], np.arange(len(kinds) + 1))
        for one, first, end in zip(kinds, bounds, bounds[1:], strict=False):
            places = order[first:end]
            found[places] = [self._indicators[one][b] for b in block[places].tolist()]
        return found

    def load(
        self, b: int, lane: int, columns: HistoryColumns, *, until_ms: int
    ) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Put history among the lane's closed candles and run its indicators over all of them.

        Where we closed a candle ourselves, ours stays; candles that are not finite, that are of no
        session, that end after `until_ms`, or that begin at or after the forming candle, are left out.

        Returns:
            The candles taken, shape (n, RING_FIELDS), and for each indicator of the lane their values.
        """
        given = np.column_stack([np.asarray(c, np.float64) for c in (
            columns.open, columns.high, columns.low, columns.close, columns.volume, columns.vwap,
            columns.ts_ms, columns.trades,
        )])  # fmt: skip
        own = self.ring_rows(b, lane)
        t = self._tables
        before = int(t.bi[b, at.I_START, lane]) if t.bi[b, at.I_OPEN, lane] else at.NEVER
        usable = np.isfinite(given[:, :VWAP]).all(axis=1) & (given[:, STARTED] < before)
        ends = self.ends_of(b, lane, given[:, STARTED])
        usable &= (ends > given[:, STARTED]) & (ends <= until_ms)
        usable &= ~np.isin(given[:, STARTED], own[:, STARTED])
        rows = np.concatenate((own, given[usable]))
        order = np.argsort(rows[:, STARTED], kind="stable")
        order = order[np.append(np.diff(rows[order, STARTED]) > 0, True)] if len(order) else order
        order = order[-MAX_RING:]
        rows = rows[order]
        is_new = order >= len(own)
        self.ensure_ring(b, lane, len(rows))
        cap, off = int(t.bi[b, at.I_RING_CAP, lane]), int(t.bi[b, at.I_RING_OFF, lane])
        t.ring[off : off + RING_FIELDS * cap].reshape(RING_FIELDS, cap)[:, : len(rows)] = rows.T
        t.bi[b, at.I_CLOSED, lane] = len(rows)
        values = [self.rebuild(i)[is_new] for i in self.lanes.get((b, lane), ())]
        return rows[is_new], values

    def note_closed(self, b: int, lane: int, start: int) -> None:
        """Take a candle of history for the last closed one, unless ours is later."""
        row = self._tables.bi[b]
        if start > row[at.I_CLOSED_START, lane]:
            row[at.I_CLOSED_START, lane], row[at.I_CLOSED_PARTIAL, lane] = start, 0

    def note_seam(self, b: int, seam: HistorySeam) -> None:
        """Remember a source of history and the latest place where it ended."""
        known = self.seams.get(b, {})
        of_lane = {one.source: one for one in known.get(seam.timeframe, ())}
        before = of_lane.get(seam.source)
        of_lane[seam.source] = seam if before is None or seam.seam_ms > before.seam_ms else before
        ordered = tuple(sorted(of_lane.values(), key=lambda one: (one.seam_ms, one.source)))
        self.seams[b] = {**known, seam.timeframe: ordered}

    def ends_of(self, b: int, lane: int, starts: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return where candles end that begin at `starts`: at their session's close at the latest (T12).

        Those of no session end before they begin.
        """
        begins = starts.astype(np.int64)
        ends = begins + LENGTHS[lane]
        off, n = (int(x) for x in self._tables.bi[b, at.I_OF, at.O_CAL_OFF : at.O_CAL_N + 1])
        if n == 0:
            return ends
        opens, closes = self._tables.sessions[off : off + n].T
        place = np.minimum(np.searchsorted(closes, begins, side="right"), n - 1)
        is_in = (opens[place] < ends) & (closes[place] > begins)
        return np.where(is_in, np.minimum(ends, closes[place]), begins - 1)

    def ranks(self) -> NDArray[np.int64]:
        """Return each symbol's place in the alphabet, by id."""
        if len(self._ranks) != len(self.symbols):
            self._ranks = np.empty(len(self.symbols), np.int64)
            self._ranks[np.argsort(np.array(self.symbols))] = np.arange(len(self.symbols))
        return self._ranks

    def name_of(self, b: int) -> tuple[str, Session]:
        s, number = self.block_of[b]
        return self.symbols[s], SESSIONS[number]

    def row_of(self, b: int, lane: int, text: str) -> tuple[int, int]:
        """Return indicator and output index of a column somebody asked for."""
        column = parse_column(text)
        return self._indicators[Kind(lane, column.definition.name, column.params)][b], column.index

    def watchers(self) -> dict[Session, list[tuple[str, int]]]:
        return self._watched
