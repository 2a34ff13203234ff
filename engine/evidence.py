"""Why a trigger fired, written from what the kernel captured when it did (T27)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine import layout as at
from engine.condition import TIMEFRAMES, Leaf, Operand, TriggerSpec
from engine.firing import CandleRef, Evidence, FiringTrade, HistorySeam, LeafEvidence, Side

ENGINE_VERSION = "1"
Seams = Mapping[str, tuple[HistorySeam, ...]]
"""The history in a symbol's candles of one session, by timeframe."""
_RESULT: dict[int, bool | None] = {at.FALSE: False, at.TRUE: True, at.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Captured:
    """One decision as the kernel wrote it down.

    seams     the history in the candles of its session
    ints      columns D_... of `engine.layout`
    numbers   columns DF_..., then DF_PER_LEAF for each leaf
    """

    spec: TriggerSpec
    leaves: Sequence[Leaf]
    session: str
    seams: Seams
    ints: list[int]
    numbers: list[float]

    @property
    def is_closed(self) -> bool:
        return self.spec.evaluate == "candle_close"

    def trade(self) -> FiringTrade:
        """Return the last trade applied in the trigger's session."""
        return FiringTrade(
            ts_ms=self.ints[at.D_TS],
            recv_ms=self.ints[at.D_RECV],
            seq=self.ints[at.D_SEQ],
            price=self.numbers[at.DF_TRADE_PRICE],
            size=self.numbers[at.DF_TRADE_SIZE],
            codes=codes_of(self.ints[at.D_CODES]),
        )

    def evidence(self, *, trade: FiringTrade | None, health: str, feed: str, decided_recv_ms: int) -> Evidence:
        flags = self.ints[at.D_FLAGS]
        first = at.DF_LEAVES
        leaves = tuple(self._leaf(leaf, first + n * at.DF_PER_LEAF) for n, leaf in enumerate(self.leaves))
        return Evidence(
            leaves=leaves,
            result=_RESULT[self.ints[at.D_STATE]] if self.leaves else True,
            flags=tuple(name for n, name in enumerate(at.FLAGS) if flags >> n & 1) if flags else (),
            health=health,
            feed=feed,
            trade=trade,
            decided_recv_ms=decided_recv_ms,
            config_hash=self.spec.config_hash,
            engine_version=ENGINE_VERSION,
            history=self._history(leaves) if self.seams else (),
        )

    def _history(self, leaves: Sequence[LeafEvidence]) -> tuple[HistorySeam, ...]:
        sides = (side for leaf in leaves for side in (leaf.left, leaf.right, leaf.upper) if side is not None)
        read = {side.candle.timeframe for side in sides if side.candle is not None}
        return tuple(seam for timeframe in TIMEFRAMES if timeframe in read for seam in self.seams.get(timeframe, ()))

    def _leaf(self, leaf: Leaf, first: int) -> LeafEvidence:
        before_l, before_r, before_u, now_l, now_r, now_u, result = self.numbers[first : first + at.DF_PER_LEAF]
        right: Operand | float | str = leaf.right
        if leaf.candles:
            sign = "+" if leaf.operator == "rises_by_pct" else "-"
            right = f"{leaf.left} {leaf.candles} candles before {sign}{leaf.right!r}%"
        return LeafEvidence(
            path=leaf.path,
            operator=leaf.operator,
            left=self._side(leaf.left, before_l, now_l),
            right=self._side(right, before_r, now_r),
            upper=None if leaf.upper is None else self._side(leaf.upper, before_u, now_u),
            result=_RESULT[int(result)],
        )

    def _side(self, operand: Operand | float | str, before: float, now: float) -> Side:
        if isinstance(operand, Operand):
            return Side(str(operand), _known(before), _known(now), self._candle(operand))
        if isinstance(operand, str):
            return Side(operand, _known(before), _known(now))
        return Side(repr(float(operand)), float(operand), float(operand))

    def _candle(self, operand: Operand) -> CandleRef | None:
        """Return the candle the operand was read from; a forming `price` belongs to none."""
        timeframe = operand.timeframe or (self.spec.timeframe if self.is_closed else "")
        if not timeframe:
            return None
        start = self.ints[at.D_STARTS + TIMEFRAMES.index(timeframe)]
        if start == at.UNSET:
            return None
        return CandleRef(self.session, timeframe, start, "closed" if self.is_closed else "forming")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def codes_of(bits: int) -> tuple[int, ...]:
    """Return the trade condition codes of a bit set of 64, ascending."""
    bits &= 0xFFFF_FFFF_FFFF_FFFF
    return tuple(n for n in range(64) if bits >> n & 1) if bits else ()
