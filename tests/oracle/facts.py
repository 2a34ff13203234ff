"""What the oracle puts out, as plain JSON-like facts of the same shape as the engine's (T26, T27)."""

from __future__ import annotations

import math
import uuid
from typing import Any

from tests.oracle import indicators
from tests.oracle.candles import LENGTH, Closed
from tests.oracle.conditions import Leaf, LeafMemory, Operand, Value
from tests.oracle.records import Trade
from tests.oracle.trigger import Armed

Fact = dict[str, Any]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tapewatch:firing")


def firing_id(armed: Armed, ts_ms: int, seq: int | str) -> str:
    text = armed.text
    return str(uuid.uuid5(NAMESPACE, f"{text.trigger_id}|{text.version}|{armed.symbol}|{ts_ms}|{seq}"))


def trade_fact(trade: Trade, seq: int) -> Fact:
    return {
        "ts_ms": trade.ts_ms,
        "recv_ms": trade.recv_ms,
        "seq": seq,
        "price": trade.price,
        "size": trade.size,
        "codes": tuple(trade.codes),
    }


def candle_fact(symbol: str, session: str, closed: Closed, values: dict[str, float], *, seam_ms: int = 0) -> Fact:
    candle = closed.candle
    return {
        "symbol": symbol,
        "session": session,
        "timeframe": closed.timeframe,
        "ts_ms": candle.ts_ms,
        "end_ms": candle.end_ms,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "vwap": candle.vwap,
        "trades": candle.trades,
        "partial": closed.partial,
        "source": closed.source,
        "values": values,
        "seam_ms": seam_ms,
    }


def evidence(
    armed: Armed, *, trade: Fact | None, health: str, feed: str, decided_recv_ms: int, result: bool | None
) -> Fact:
    leaves = tuple(_leaf(armed, leaf, armed.leaves[leaf.path]) for leaf in armed.all_leaves())
    return {
        "leaves": leaves,
        "result": result,
        "flags": _flags(armed),
        "health": health,
        "feed": feed,
        "trade": trade,
        "decided_recv_ms": decided_recv_ms,
        "news": None,
        "history": () if trade is None else _history(armed, leaves),
    }


def _history(armed: Armed, leaves: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Return the latest seam of each source of the timeframes that were read."""
    sides = [leaf[side] for leaf in leaves for side in ("left", "right", "upper") if leaf[side] is not None]
    read = {side["candle"]["timeframe"] for side in sides if side["candle"] is not None}
    found: list[Fact] = []
    for timeframe in LENGTH:
        ends = armed.book.seams.get(timeframe, {}) if timeframe in read else {}
        for seam_ms, source in sorted((end, name) for name, end in ends.items()):
            found.append({"timeframe": timeframe, "source": source, "seam_ms": seam_ms})
    return tuple(found)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _leaf(armed: Armed, leaf: Leaf, memory: LeafMemory) -> Fact:
    before, now = memory.before, memory.now
    right: Fact
    if leaf.operator in ("rises_by_pct", "falls_by_pct"):
        sign = "+" if leaf.operator == "rises_by_pct" else "-"
        name = f"{leaf.left} {leaf.candles} candles before {sign}{leaf.right!r}%"
        right = {"operand": name, "before": _known(before.right), "now": _known(now.right), "candle": None}
    else:
        right = _side(armed, leaf.right, before.right, now.right)
    return {
        "path": leaf.path,
        "operator": leaf.operator,
        "left": _side(armed, leaf.left, before.left, now.left),
        "right": right,
        "upper": None if leaf.upper is None else _side(armed, leaf.upper, before.upper, now.upper),
        "result": memory.result,
    }


def _side(armed: Armed, operand: Value, before: float, now: float) -> Fact:
    if not isinstance(operand, Operand):
        return {"operand": repr(operand), "before": operand, "now": operand, "candle": None}
    return {
        "operand": str(operand),
        "before": _known(before),
        "now": _known(now),
        "candle": _candle_of(armed, operand),
    }


def _candle_of(armed: Armed, operand: Operand) -> Fact | None:
    """Return which candle an operand was read from; a forming `price` belongs to none."""
    timeframe = operand.timeframe or (armed.timeframe if armed.is_closed else "")
    if not timeframe:
        return None
    start, state = None, "forming"
    if armed.is_closed:
        last = armed.book.last_closed.get(timeframe)
        start, state = (last.candle.ts_ms if last is not None else None), "closed"
    else:
        start = armed.book.last_begun.get(timeframe)
    if start is None:
        return None
    return {"session": armed.book.session, "timeframe": timeframe, "ts_ms": start, "state": state}


def _flags(armed: Armed) -> tuple[str, ...]:
    flags: list[str] = []
    operands = armed.operands()
    if any(_is_provisional(armed, o) for o in operands):
        flags.append("provisional")
    if any(_is_partial(armed, o) for o in operands):
        flags.append("partial")
    if armed.has_gap:
        flags.append("gap")
    if not armed.is_closed and any(o.name != "price" for o in operands):
        flags.append("may_repaint")
    return tuple(flags)


def _is_provisional(armed: Armed, operand: Operand) -> bool:
    if operand.is_field:
        return False
    seen = len(armed.book.closed[operand.timeframe]) + (0 if armed.is_closed else 1)
    return seen < indicators.stable_after(operand.name, operand.params)


def _is_partial(armed: Armed, operand: Operand) -> bool:
    timeframe = operand.timeframe or (armed.timeframe if armed.is_closed else "")
    if not timeframe:
        return False
    if armed.is_closed:
        last = armed.book.last_closed.get(timeframe)
        return last is not None and last.partial
    return armed.book.is_partial.get(timeframe, False)
