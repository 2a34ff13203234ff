"""Why a trigger fired, read from the tables at the moment it did (T27)."""

from __future__ import annotations

import math

from engine import layout as at
from engine.candles import SESSIONS, Candles
from engine.condition import TIMEFRAMES, Leaf, Operand
from engine.firing import CandleRef, Evidence, FiringTrade, LeafEvidence, Side
from engine.matcher import ArmedTrigger
from engine.tables import Tables

ENGINE_VERSION = "1"
_RESULT: dict[int, bool | None] = {at.FALSE: False, at.TRUE: True, at.UNKNOWN: None}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def codes_of(bits: int) -> tuple[int, ...]:
    """Return the trade condition codes of a bit set, ascending."""
    return tuple(n for n in range(64) if bits >> n & 1) if bits else ()


def last_trade(tables: Tables, b: int) -> FiringTrade | None:
    """Return the last trade applied in the block's session, None before any."""
    row, scalars = tables.bi[b, at.I_LAST], tables.bf[b, at.F_SCALARS]
    if row[at.L_TS] == at.UNSET:
        return None
    return FiringTrade(
        ts_ms=int(row[at.L_TS]),
        recv_ms=int(row[at.L_RECV]),
        seq=int(row[at.L_SEQ]),
        price=float(scalars[at.FS_TRADE_PRICE]),
        size=float(scalars[at.FS_TRADE_SIZE]),
        codes=codes_of(int(row[at.L_CODES]) & 0xFFFF_FFFF_FFFF_FFFF),
    )


class EvidenceWriter:
    """Reads leaves, candles and flags of a trigger just judged."""

    def __init__(self, tables: Tables, candles: Candles, feed: str) -> None:
        self._tables = tables
        self._candles = candles
        self._feed = feed

    def write(self, armed: ArmedTrigger, *, trade: FiringTrade | None, health: str, decided_recv_ms: int) -> Evidence:
        t, row = self._tables, self._tables.gi[armed.row]
        first = int(row[at.G_LEAF])
        leaves = tuple(self._leaf(armed, first + n, leaf) for n, leaf in enumerate(armed.leaves))
        is_timed = not armed.leaves
        return Evidence(
            leaves=leaves,
            result=True if is_timed else _RESULT[int(t.gi[armed.row, at.G_STATE])],
            flags=self._flags(armed),
            health=health,
            feed=self._feed,
            trade=trade,
            decided_recv_ms=decided_recv_ms,
            config_hash=armed.spec.config_hash,
            engine_version=ENGINE_VERSION,
        )

    def _leaf(self, armed: ArmedTrigger, v: int, leaf: Leaf) -> LeafEvidence:
        values = [float(x) for x in self._tables.vf[v]]
        right_name = ""
        if leaf.operator in ("rises_by_pct", "falls_by_pct"):
            sign = "+" if leaf.operator == "rises_by_pct" else "-"
            right_name = f"{leaf.left} {leaf.candles} candles before {sign}{leaf.right!r}%"
        return LeafEvidence(
            path=leaf.path,
            operator=leaf.operator,
            left=self._side(armed, leaf.left, values[at.W_BEFORE_L], values[at.W_NOW_L]),
            right=self._side(armed, right_name or leaf.right, values[at.W_BEFORE_R], values[at.W_NOW_R]),
            upper=None
            if leaf.upper is None
            else self._side(armed, leaf.upper, values[at.W_BEFORE_U], values[at.W_NOW_U]),
            result=_RESULT[int(self._tables.vi[v, at.V_RESULT])],
        )

    def _side(self, armed: ArmedTrigger, operand: Operand | float | str, before: float, now: float) -> Side:
        if isinstance(operand, Operand):
            return Side(str(operand), _known(before), _known(now), self._candle(armed, operand))
        if isinstance(operand, str):
            return Side(operand, _known(before), _known(now))
        return Side(repr(float(operand)), float(operand), float(operand))

    def _candle(self, armed: ArmedTrigger, operand: Operand) -> CandleRef | None:
        """Return the candle the operand was read from; a forming `price` belongs to none."""
        key = self._slot_lane(armed, operand)
        if key is None:
            return None
        session = SESSIONS[self._candles.block_of[armed.block][1]]
        row = at.I_CLOSED_START if armed.is_closed else at.I_START
        start = int(self._tables.bi[armed.block, row, key])
        if start == at.UNSET:
            return None
        return CandleRef(session, TIMEFRAMES[key], start, "closed" if armed.is_closed else "forming")

    @staticmethod
    def _slot_lane(armed: ArmedTrigger, operand: Operand) -> int | None:
        if operand.timeframe:
            return TIMEFRAMES.index(operand.timeframe)
        return armed.lane if armed.is_closed else None

    def _flags(self, armed: ArmedTrigger) -> tuple[str, ...]:
        t = self._tables
        flags: list[str] = []
        lanes: set[int] = set()
        provisional = repaints = False
        for leaf in armed.leaves:
            for operand in (leaf.left, leaf.right, leaf.upper):
                if not isinstance(operand, Operand):
                    continue
                repaints = repaints or (operand.name != "price" and not armed.is_closed)
                if operand.timeframe:
                    lane = TIMEFRAMES.index(operand.timeframe)
                    lanes.add(lane)
                    if not operand.is_field:
                        i, _ = self._candles.row_of(armed.block, lane, operand.column)
                        seen = t.nf[i, at.NF_STATE] + (0 if armed.is_closed else 1)
                        provisional = provisional or seen < t.ni[i, at.N_STABLE]
        row = at.I_CLOSED_PARTIAL if armed.is_closed else at.I_PARTIAL
        if provisional:
            flags.append("provisional")
        if any(t.bi[armed.block, row, lane] for lane in lanes):
            flags.append("partial")
        if t.gi[armed.row, at.G_GAP]:
            flags.append("gap")
        if repaints:
            flags.append("may_repaint")
        return tuple(flags)
