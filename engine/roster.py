"""Who is armed in which row: specs taken apart (`engine.templates`), put together again for who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import LANE_OF, Candles
from engine.condition import Leaf, TriggerSpec
from engine.names import Names
from engine.tables import Tables
from engine.templates import HASH_BYTES, Key, Template, leaves_of, template_of

Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ArmedTrigger:
    """One trigger on one symbol: a row of the tables."""

    row: int
    spec: TriggerSpec
    symbol: str
    block: int
    leaves: tuple[Leaf, ...]

    @property
    def is_closed(self) -> bool:
        return self.spec.evaluate == "candle_close"

    @property
    def lane(self) -> int:
        return LANE_OF[self.spec.timeframe]


class Roster:
    """The triggers with a condition: a pattern for many, and a few bytes for each."""

    def __init__(self, tables: Tables, candles: Candles) -> None:
        self._tables = tables
        self._candles = candles
        self._names = Names()
        self._templates: list[Template] = []
        self._numbers: list[tuple[tuple[int, int], ...]] = []
        """Of each template where its numbers stand: which leaf, which of the leaf's."""
        self._known: dict[Key, int] = {}
        self._several: dict[int, Rows] = {}
        """All rows of the triggers on more than one symbol, by the first."""
        self._template_of: dict[int, int] = {}
        """By policy: each template has its own."""
        self._first: dict[int, int] = {}
        """Of the other rows of those the row of the first symbol, which has the name."""
        self._hashes = np.zeros((16, HASH_BYTES), np.uint8)

    def __len__(self) -> int:
        return len(self._names)

    def template(self, key: Key, spec: TriggerSpec) -> int:
        """Return the number of the template of this key, made of a spec where it is new."""
        known = self._known.get(key)
        if known is None:
            if spec.condition is None:
                raise ValueError(f"{spec.trigger_id!r} has no condition")
            made = template_of(spec, spec.condition)
            known = self._known[key] = len(self._templates)
            self._templates.append(made)
            self._numbers.append(tuple(
                (n, which)
                for n, leaf in enumerate(made.leaves)
                for side, which in ((leaf.right, at.W_RIGHT), (leaf.upper, at.W_UPPER))
                if isinstance(side, float)
            ))  # fmt: skip
        return known

    def note_policy(self, template: int, policy: int) -> None:
        """Say which policy the rows of a template have."""
        self._template_of[policy] = template

    def __getitem__(self, template: int) -> Template:
        return self._templates[template]

    def enter(self, rows: Rows, template: int, *, names: Sequence[str], hashes: bytes, counts: Sequence[int]) -> None:
        """Write down triggers of one template.

        Args:
            rows: The rows of all of them, one trigger after another.
            names: Trigger id of each.
            hashes: Config hashes, 32 bytes each, unless the template has them.
            counts: On how many symbols each is.
        """
        self._make_room(int(rows.max()) + 1)
        firsts = rows
        if len(rows) != len(names):
            many = np.array(counts, np.int64)
            starts = np.cumsum(many) - many
            firsts = rows[starts]
            for start, count in zip(starts.tolist(), counts, strict=True):
                if count > 1:
                    first = int(rows[start])
                    some = self._several[first] = rows[start : start + count].copy()
                    self._first.update(dict.fromkeys(some.tolist(), first))
        if not self._templates[template].pattern.config_hash:
            self._hashes[firsts] = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_BYTES)
        self._names.put(names, firsts)

    def find(self, names: Sequence[str]) -> Rows:
        """Return the first row of each trigger, -1 where there is none of this id."""
        return self._names.find(names)

    def firsts(self) -> Rows:
        """Return the first row of every trigger."""
        return self._names.rows()

    def rows_of(self, firsts: Rows) -> Rows:
        """Return all rows of some triggers, by their first."""
        if not self._several:
            return firsts
        alone = np.array([row not in self._several for row in firsts.tolist()], np.bool_)
        return np.concatenate([firsts[alone], *[self._several[row] for row in firsts[~alone].tolist()]])

    def rows_in_order(self, firsts: Rows) -> Rows:
        """Return all rows of some triggers by their first, one trigger after another."""
        if not self._several:
            return firsts
        return np.concatenate([self._several.get(row, np.array([row], np.int32)) for row in firsts.tolist()])

    def leaves_of(self, rows: Rows) -> NDArray[np.int64]:
        """Return how many leaves each row has."""
        policies, places = np.unique(self._tables.gi[rows, at.G_POLICY], return_inverse=True)
        counts = [len(self._templates[self._template_of[policy]].leaves) for policy in policies.tolist()]
        return np.array(counts, np.int64)[places]

    def leave(self, firsts: Rows) -> None:
        """Strike triggers off."""
        self._names.take(firsts)
        for first in firsts.tolist() if self._several else ():
            some = self._several.pop(first, None)
            for row in () if some is None else some.tolist():
                del self._first[row]

    def templates_of(self, rows: Rows) -> Rows:
        policies, places = np.unique(self._tables.gi[rows, at.G_POLICY], return_inverse=True)
        return np.array([self._template_of[policy] for policy in policies.tolist()], np.int32)[places]

    def name_of(self, row: int) -> str:
        return self._names.name_of(self._first.get(row, row))

    def symbol_of(self, row: int) -> str:
        return self._candles.name_of(int(self._tables.gi[row, at.G_BLOCK]))[0]

    def spec_of(self, row: int) -> TriggerSpec:
        """Put the spec of a row together again."""
        t, first = self._tables, self._first.get(row, row)
        number = self._template_of[int(t.gi[first, at.G_POLICY])]
        template = self._templates[number]
        v = int(t.gi[first, at.G_LEAF])
        numbers = [float(t.vf[int(t.vi[v + n, at.V_NUMBERS]) + which]) for n, which in self._numbers[number]]
        rows = self._several.get(first)
        symbols = tuple(self.symbol_of(r) for r in ((first,) if rows is None else rows.tolist()))
        config_hash = template.pattern.config_hash or self._hashes[first].tobytes().hex()
        return template.filled(self._names.name_of(first), symbols, numbers, config_hash)

    def armed(self, row: int, spec: TriggerSpec | None = None) -> ArmedTrigger:
        """Return a row as what it is; `spec` where it is known."""
        spec = spec or self.spec_of(row)
        leaves = () if spec.condition is None else tuple(leaves_of(spec.condition))
        return ArmedTrigger(row, spec, self.symbol_of(row), int(self._tables.gi[row, at.G_BLOCK]), leaves)

    def _make_room(self, most: int) -> None:
        if most > len(self._hashes):
            larger = np.zeros((max(most, 2 * len(self._hashes)), self._hashes.shape[1]), np.uint8)
            larger[: len(self._hashes)] = self._hashes
            self._hashes = larger
