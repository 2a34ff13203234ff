"""The engine as bytes, and back: restoring and going on equals never having stopped (T30).

    "TWEN"  u8 version  16 bytes blake2b of the rest  msgpack {meta, arrays}

Row numbers of indicators, slots, leaves and triggers are not kept: the engine is built again from its
symbols, watchers and triggers, then each row gets its numbers back by name. No code is stored (no pickle).
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine import layout as at
from engine.candles import SESSIONS, Candles, Kind
from engine.condition import (
    TIMEFRAMES,
    Condition,
    Cron,
    Group,
    Hold,
    Leaf,
    MarketHours,
    NewsMatch,
    Schedule,
    Session,
    SpecificTime,
    Timeframe,
    TriggerSpec,
)
from engine.firing import HistorySeam
from engine.indicators.state import RING_FIELDS
from engine.matcher import Matcher
from engine.slots import SlotKey
from engine.tables import Tables, spans

MAGIC = b"TWEN"
VERSION = 8
_DIGEST = 16
_HEAD = len(MAGIC) + 1 + _DIGEST
# Rows of a block that say where things stand in this process's tables.
_POINTERS = (
    at.I_RING_OFF, at.I_RING_CAP, at.I_INST_OFF, at.I_INST_N, at.I_CSLOT_OFF, at.I_CSLOT_N, at.I_HEADS,
    at.I_LATCHED, at.I_LISTS, at.I_OF, at.I_SEEN,
)  # fmt: skip
_BLOCK_ROWS = tuple(row for row in range(at.I_ROWS) if row not in _POINTERS)
_TRIGGER_COLUMNS = (at.G_FIRED, at.G_SESSION_FIRED, at.G_CANDLE)

AnyArray = NDArray[Any]


class InvalidSnapshot(ValueError):
    """These bytes are no snapshot of this engine: damaged, of another version, or of another set-up."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes


class _TriggerMeta(msgspec.Struct, frozen=True):
    spec: dict[str, Any]
    is_paused: bool
    next_due_ms: int | None


class _Meta(msgspec.Struct, frozen=True):
    grace_ms: int
    is_offline: bool
    feed_ms: int | None
    health: str
    symbol_health: dict[str, str]
    gap_ms: int
    closed_until: int
    dropped: dict[str, int]
    symbols: list[str]
    blocks: list[tuple[int, int]]
    kept_sessions: list[str]
    watched: dict[str, list[tuple[str, int]]]
    kinds: list[tuple[int, str, tuple[float, ...]]]
    slots: list[tuple[int, int, str, bool, bool, int]]
    news_armed: dict[str, int | None]
    triggers: list[_TriggerMeta]
    seams: list[tuple[int, str, str, int]] = []


class Snapshot(msgspec.Struct, frozen=True):
    """Everything of an engine but its configuration."""

    meta: _Meta
    arrays: dict[str, _Packed]


class Mutable(msgspec.Struct):
    """The engine's own numbers outside the tables."""

    grace_ms: int
    is_offline: bool
    feed_ms: int | None
    health: str
    symbol_health: dict[str, str]
    gap_ms: int
    closed_until: int
    dropped: dict[str, int]
    news_armed: dict[str, int | None]


def encode(snapshot: Snapshot) -> bytes:
    body = msgspec.msgpack.encode(snapshot)
    return MAGIC + bytes((VERSION,)) + hashlib.blake2b(body, digest_size=_DIGEST).digest() + body


def decode(data: bytes) -> Snapshot:
    """Check and read a snapshot.

    Raises:
        InvalidSnapshot: cut short, damaged, another version.
    """
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEAD:
        raise InvalidSnapshot(f"found {data[:4]!r}, a snapshot begins with {MAGIC!r}")
    if data[len(MAGIC)] != VERSION:
        raise InvalidSnapshot(f"found version {data[len(MAGIC)]}, this engine reads {VERSION}")
    body = memoryview(data)[_HEAD:]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != data[len(MAGIC) + 1 : _HEAD]:
        raise InvalidSnapshot("the checksum does not match: the snapshot is damaged or cut short")
    try:
        return msgspec.msgpack.decode(body, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise InvalidSnapshot(str(error)) from None


def take(tables: Tables, candles: Candles, matcher: Matcher, mutable: Mutable, news: AnyArray) -> Snapshot:
    """Copy everything out of the tables, by name."""
    blocks = range(tables.blocks)
    indicators = sorted(candles.kind_of)
    kinds = list(dict.fromkeys(candles.kind_of[i] for i in indicators))
    kind_number = {kind: n for n, kind in enumerate(kinds)}
    slots = sorted(matcher.slots.ids.items(), key=lambda item: item[1])
    entries = [entry for _, entry in matcher.entries()]
    rings = [candles.ring_rows(b, lane) for b in blocks for lane in range(at.LANES)]
    armed = [a for entry in entries for a in entry.rows.values()]
    leaf_rows = [tables.gi[a.row, at.G_LEAF] + n for a in armed for n in range(len(a.leaves))]
    trigger_rows = [a.row for a in armed]
    held = tables.gi[trigger_rows, at.G_HOLD]
    arrays: dict[str, AnyArray] = {
        "si": tables.si[: tables.symbols],
        "sf": tables.sf[: tables.symbols],
        "bf": tables.bf[: tables.blocks],
        "bi": tables.bi[: tables.blocks][:, list(_BLOCK_ROWS)],
        "ring_cap": tables.bi[: tables.blocks, at.I_RING_CAP],
        "rings": np.concatenate(rings) if rings else np.empty((0, RING_FIELDS)),
        "ring_rows": np.array([len(r) for r in rings], np.int64),
        "kind": np.array([kind_number[candles.kind_of[i]] for i in indicators], np.int64),
        "block": tables.ni[indicators, at.N_BLOCK].astype(np.int64),
        "state": tables.nf[indicators, : at.NF_PARAMS],
        "closed": np.concatenate([_outputs(tables, tables.closed, i) for i in indicators] or [np.empty(0)]),
        "hist_cap": tables.ni[indicators, at.N_HIST_CAP],
        "hist": np.concatenate([_hist(tables, i) for i in indicators] or [np.empty(0)]),
        "slots": tables.qv[[q for _, q in slots], at.QV_NOW],
        "results": tables.vi[leaf_rows, at.V_RESULT],
        "latches": _latches(tables, leaf_rows),
        "sides": _sides(tables, leaf_rows),
        "known": (tables.gi[trigger_rows, at.G_BITS] & at.KNOWN_BITS).astype(np.uint8),
        "triggers": tables.gi[trigger_rows][:, list(_TRIGGER_COLUMNS)],
        "last_firings": tables.gt[trigger_rows],
        "held": np.flatnonzero(held),
        "holds": tables.holds[held[held > 0] - 1],
        "hold_trades": tables.hold_trades[held[held > 0] - 1],
        "news": news,
    }
    watched: dict[str, list[tuple[str, int]]] = {
        session: list(columns) for session, columns in candles.watchers().items()
    }
    meta = _Meta(
        **msgspec.structs.asdict(mutable),
        symbols=list(candles.symbols),
        blocks=list(candles.block_of),
        kept_sessions=sorted(candles.kept_sessions),
        watched=watched,
        kinds=[(kind.lane, kind.name, kind.params) for kind in kinds],
        slots=[key for key, _ in slots],
        triggers=[_TriggerMeta(spec_to_plain(e.spec), e.is_paused, e.next_due_ms) for e in entries],
        seams=[
            (b, seam.timeframe, seam.source, seam.seam_ms)
            for b, of_block in candles.seams.items()
            for of_lane in of_block.values()
            for seam in of_lane
        ],
    )
    return Snapshot(meta, {name: _pack(array) for name, array in arrays.items()})


def _latches(tables: Tables, leaf_rows: list[int]) -> NDArray[np.int32]:
    """Return the latch of each leaf, 0 where it has none."""
    more = tables.shapes[tables.vi[leaf_rows, at.V_SHAPE], at.SH_MORE]
    latches = tables.vi[np.array(leaf_rows, np.int64) + more, at.M_LATCH]
    return np.where(more > 0, latches, 0).astype(np.int32)


def _sides(tables: Tables, leaf_rows: list[int]) -> NDArray[np.float64]:
    """Return the leaves' numbers, leaf by leaf. A tick trigger that waits for a threshold has old ones: only whether
    they are known means anything, so that the same state gives the same bytes whenever it was judged last."""
    leaves = tables.vi[leaf_rows]
    shapes = tables.shapes[leaves[:, at.V_SHAPE]]
    width = shapes[:, at.SH_WIDTH]
    # The numbers of all leaves as rows, NaN where a leaf has fewer.
    wide = np.full((len(leaves), at.W_BOUNDED), np.nan)
    has = np.arange(at.W_BOUNDED) < width[:, None]
    wide[has] = tables.vf[(leaves[:, at.V_NUMBERS, None].astype(np.int64) + np.arange(at.W_BOUNDED))[has]]
    is_waiting = (shapes[:, at.SH_CLOSED] == 0) & (tables.gi[leaves[:, at.V_TRIGGER], at.G_HOLD] == 0)
    is_unknown = np.isnan(wide[:, at.W_NOW_L]) | (np.isnan(wide[:, at.W_NOW_R]) & (width > at.W_PLAIN))
    is_known = ~(is_unknown | (np.isnan(wide[:, at.W_NOW_U]) & (width == at.W_BOUNDED)))
    for column in (at.W_BEFORE_L, at.W_BEFORE_R, at.W_NOW_L, at.W_NOW_R, at.W_BEFORE_U, at.W_NOW_U):
        wide[is_waiting & is_known, column] = 0.0
    for column in (at.W_NOW_L, at.W_NOW_R, at.W_NOW_U):
        wide[is_waiting & ~is_known, column] = np.nan
    return wide[has]


def put_back(snapshot: Snapshot, tables: Tables, candles: Candles, matcher: Matcher) -> None:
    """Build symbols, blocks, watchers and triggers in an empty engine, then give the rows their numbers."""
    meta = snapshot.meta
    arrays = {name: _unpack(packed) for name, packed in snapshot.arrays.items()}
    cells = RING_FIELDS * int(arrays["ring_cap"].sum()) + len(arrays["hist"])
    tables.reserve(symbols=len(meta.symbols), blocks=len(meta.blocks), cells=cells)
    candles.kept_sessions.clear()
    for symbol in meta.symbols:
        candles.symbol_id(symbol)
    for s, session in meta.blocks:
        candles.block(s, SESSIONS[session])
    candles.kept_sessions.update(cast(list[Session], meta.kept_sessions))
    for session, columns in meta.watched.items():
        named: list[tuple[str, Timeframe]] = [(text, TIMEFRAMES[lane]) for text, lane in columns]
        candles.watch(named, cast(Session, session))
    matcher.set_all([plain_to_spec(trigger.spec) for trigger in meta.triggers])
    matcher.pause_all([trigger.spec["trigger_id"] for trigger in meta.triggers if trigger.is_paused])
    for trigger in meta.triggers:
        if trigger.next_due_ms is not None:
            matcher.set_due(trigger.spec["trigger_id"], trigger.next_due_ms)
    tables.si[: tables.symbols] = arrays["si"]
    tables.sf[: tables.symbols] = arrays["sf"]
    tables.bf[: tables.blocks] = arrays["bf"]
    tables.bi[: tables.blocks, list(_BLOCK_ROWS)] = arrays["bi"]
    for b, timeframe, source, seam_ms in meta.seams:
        candles.note_seam(b, HistorySeam(timeframe, source, seam_ms))
    counts = arrays["ring_rows"].reshape(-1, at.LANES)
    candles.put_rings(counts, arrays["ring_cap"][:, : at.LANES], arrays["rings"])
    _put_indicators(meta, arrays, tables, candles)
    _put_triggers(meta, arrays, tables, matcher)


def news_of(snapshot: Snapshot) -> NDArray[np.int64]:
    """Return what `NewsMemory.as_array` gave."""
    return _unpack(snapshot.arrays["news"])


def _put_indicators(meta: _Meta, arrays: dict[str, AnyArray], tables: Tables, candles: Candles) -> None:
    ids = candles.rows_of([Kind(*kind) for kind in meta.kinds], arrays["kind"], arrays["block"])
    for row in np.flatnonzero(arrays["hist_cap"]).tolist():
        candles.ensure_hist(int(ids[row]), int(arrays["hist_cap"][row]))
    ni = tables.ni
    widths = ni[ids, at.N_WIDTH]
    kept, wanted = ni[ids, at.N_HIST_CAP] * widths, arrays["hist_cap"] * widths
    for row in np.flatnonzero(kept != wanted).tolist():
        name = meta.kinds[int(arrays["kind"][row])][1]
        raise InvalidSnapshot(f"{name} keeps {kept[row]} past values here, {wanted[row]} in the snapshot")
    tables.nf[ids, : at.NF_PARAMS] = arrays["state"]
    tables.closed[spans(ni[ids, at.N_OUT], widths)] = arrays["closed"]
    tables.ring[spans(ni[ids, at.N_HIST_OFF], kept)] = arrays["hist"]


def _put_triggers(meta: _Meta, arrays: dict[str, AnyArray], tables: Tables, matcher: Matcher) -> None:
    slots = [matcher.slots.ids[SlotKey(*key)] for key in meta.slots]
    tables.qv[slots, at.QV_NOW] = arrays["slots"]
    rows, counts = matcher.rows_of([trigger.spec["trigger_id"] for trigger in meta.triggers])
    tables.gi[rows[:, None], _TRIGGER_COLUMNS] = arrays["triggers"]
    tables.gi[rows, at.G_BITS] = tables.gi[rows, at.G_BITS] & ~at.KNOWN_BITS | arrays["known"]
    tables.gt[rows] = arrays["last_firings"]
    leaves = spans(tables.gi[rows, at.G_LEAF], counts)
    shapes = tables.shapes[tables.vi[leaves, at.V_SHAPE]]
    tables.vi[leaves, at.V_RESULT] = arrays["results"]
    more = shapes[:, at.SH_MORE]
    tables.vi[(leaves + more)[more > 0], at.M_LATCH] = arrays["latches"][more > 0]
    tables.vf[spans(tables.vi[leaves, at.V_NUMBERS], shapes[:, at.SH_WIDTH])] = arrays["sides"]
    held: list[int] = rows[arrays["held"]].tolist()
    for row, hold, trade in zip(held, arrays["holds"], arrays["hold_trades"], strict=True):
        number = tables.begin_hold(row)
        tables.holds[number], tables.hold_trades[number] = hold, trade


def _outputs(tables: Tables, of: NDArray[np.float64], i: int) -> NDArray[np.float64]:
    first = int(tables.ni[i, at.N_OUT])
    return of[first : first + int(tables.ni[i, at.N_WIDTH])]


def _hist(tables: Tables, i: int) -> NDArray[np.float64]:
    first = int(tables.ni[i, at.N_HIST_OFF])
    return tables.ring[first : first + int(tables.ni[i, at.N_HIST_CAP] * tables.ni[i, at.N_WIDTH])]


def _pack(array: AnyArray) -> _Packed:
    plain = np.ascontiguousarray(array)
    return _Packed(plain.dtype.newbyteorder("<").str, plain.shape, plain.tobytes())


def _unpack(packed: _Packed) -> AnyArray:
    return np.frombuffer(packed.data, np.dtype(packed.dtype)).reshape(packed.shape)


# ---- trigger specs as plain values ----


def spec_to_plain(spec: TriggerSpec) -> dict[str, Any]:
    """Return a spec as what msgpack or JSON can hold."""
    return cast(dict[str, Any], msgspec.to_builtins(spec))


def plain_to_spec(plain: dict[str, Any]) -> TriggerSpec:
    """Read back what `spec_to_plain` made."""
    condition, when = plain["condition"], plain["schedule"]
    hold, news = plain["hold"], plain["news"]
    fields: dict[str, Any] = {
        **plain,
        "symbols": tuple(plain["symbols"]),
        "condition": None if condition is None else _condition(condition),
        "schedule": None if when is None else _schedule(when),
        "hold": None if hold is None else Hold(**hold),
        "news": None if news is None else msgspec.convert(news, NewsMatch),
    }
    return TriggerSpec(**fields)


def _condition(plain: dict[str, Any]) -> Condition:
    if "kind" in plain:
        return Group(plain["kind"], tuple(_condition(child) for child in plain["children"]))
    return msgspec.convert(plain, Leaf)


def _schedule(plain: dict[str, Any]) -> Schedule:
    when = plain["when"]
    kind = Cron if "expression" in when else SpecificTime if "hour" in when else MarketHours
    return Schedule(msgspec.convert(when, kind), plain["missed"], plain["missed_grace_ms"])
