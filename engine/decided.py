"""Decisions as the kernel captured them: numbers, made into Firings and Suppressions when somebody looks.

A trade may decide more than a Python object for each would let us read trades. What is captured never changes, so
it does not matter when they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import SESSIONS, Candles
from engine.evidence import Captured
from engine.firing import Firing, FiringKind, FiringTrade, Suppression, firing_id
from engine.gates import REASONS
from engine.health import FeedWords
from engine.matcher import Matcher
from engine.roster import ArmedTrigger

Decision = Firing | Suppression


class Moment(NamedTuple):
    """When, in the log, something was decided: sorts outputs, and stamps them."""

    position: float
    mark_ms: int
    recv_ms: int


class Key(NamedTuple):
    """Decisions sort by it: by their place in the log, then decision time, then trigger."""

    position: float
    mark_ms: int
    decided_ms: int
    trigger_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class DecidedRows:
    """n decisions of one run of the kernel.

    ints      shape (n, layout.D_COLUMNS)
    numbers   of all of them, those of row k from ints[k, D_VALUES] on
    places    position, mark and receipt of each row's moment, shape (n,) each
    """

    ints: NDArray[np.int64]
    numbers: NDArray[np.float64]
    places: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
    matcher: Matcher
    candles: Candles
    feed: str
    health: FeedWords

    def firings(self) -> int:
        """Return how many of them are Firings."""
        return int(np.count_nonzero(self.ints[:, at.D_REASON] == at.R_FIRES))

    def made(self) -> list[tuple[Key, Decision]]:
        numbers: list[float] = self.numbers.tolist()
        rows: list[list[int]] = self.ints.tolist()
        ends = [row[at.D_VALUES] for row in rows[1:]] + [len(numbers)]
        positions, marks, receipts = (column.tolist() for column in self.places)
        found: list[tuple[Key, Decision]] = []
        known: dict[int, ArmedTrigger] = {}
        for n, (row, end) in enumerate(zip(rows, ends, strict=True)):
            t = row[at.D_TRIGGER]
            armed = known.get(t) or known.setdefault(t, self.matcher.armed(t))
            session = SESSIONS[self.candles.block_of[armed.block][1]]
            seams = self.candles.seams.get(armed.block, {})
            captured = Captured(armed.spec, armed.leaves, session, seams, row, numbers[row[at.D_VALUES] : end])
            moment = Moment(positions[n], marks[n], receipts[n])
            kind: FiringKind = "candle_close" if captured.is_closed else "tick"
            firing = make_firing(
                captured, armed.symbol, kind=kind, moment=moment, feed=self.feed,
                health=self.health.text(armed.symbol),
            )  # fmt: skip
            reason = REASONS[row[at.D_REASON]]
            found.append((key_of(firing, moment), firing if reason is None else Suppression(firing, reason)))
        return found


def make_firing(
    captured: Captured,
    symbol: str,
    *,
    kind: FiringKind,
    moment: Moment,
    feed: str,
    health: str,
    trade: FiringTrade | None = None,
    price: float | None = None,
) -> Firing:
    """Write a Firing from what was captured; `trade` and its price are given where they are an earlier one's."""
    spec = captured.spec
    if trade is None:
        trade, price = captured.trade(), captured.numbers[at.DF_PRICE]
    return Firing(
        firing_id=firing_id(spec.trigger_id, spec.version, symbol, trade.ts_ms, trade.seq),
        pipeline_id=spec.pipeline_id,
        trigger_id=spec.trigger_id,
        trigger_version=spec.version,
        symbol=symbol,
        ts_ms=trade.ts_ms,
        decided_ms=captured.ints[at.D_DECIDED],
        price=price,
        kind=kind,
        evidence=captured.evidence(trade=trade, health=health, feed=feed, decided_recv_ms=moment.recv_ms),
    )


def key_of(firing: Firing, moment: Moment) -> Key:
    return Key(moment.position, moment.mark_ms, firing.decided_ms, firing.trigger_id, firing.symbol)


class Found:
    """What one call of the engine decided, in decision order, then by trigger id.

    Rows of triggers in it are good until a trigger goes: `write_down` has to be called before.
    """

    def __init__(self, made: list[tuple[Key, Decision]], rows: list[DecidedRows]) -> None:
        self._made, self._rows = made, rows
        self.firings = sum(isinstance(found, Firing) for _, found in made) + sum(r.firings() for r in rows)
        self.suppressions = len(made) + sum(len(r.ints) for r in rows) - self.firings

    def write_down(self) -> None:
        """Make what is still numbers: the triggers they are of are about to change."""
        self.decisions()

    def decisions(self) -> list[Decision]:
        for rows in self._rows:
            self._made += rows.made()
        if self._rows:
            self._rows = []
        self._made.sort(key=lambda found: found[0])
        return [found for _, found in self._made]


@dataclass(frozen=True, slots=True)
class FoundFirings:
    found: Found

    def __len__(self) -> int:
        return self.found.firings

    def records(self) -> list[Firing]:
        return [one for one in self.found.decisions() if isinstance(one, Firing)]


@dataclass(frozen=True, slots=True)
class FoundSuppressions:
    found: Found

    def __len__(self) -> int:
        return self.found.suppressions

    def records(self) -> list[Suppression]:
        return [one for one in self.found.decisions() if isinstance(one, Suppression)]
