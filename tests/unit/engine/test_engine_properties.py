"""However a tape is cut, played or interrupted, the engine gives the same (T13, T14, T24, T30)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.condition import TriggerChange, TriggerSpec
from engine.engine import Engine, EngineConfig
from engine.output import Output
from engine.replay import marks_before, play
from engine.trades import ALL_FLAGS, COUNTS_VOLUME, SETS_HIGH_LOW, SETS_LAST, Trades
from tests.unit.engine.tape import Row, at, trades, trigger

CRYPTO, STOCK = "BINANCE:BTCUSDT", "AAPL"
START = at("19:57:30")
"""Monday 2025-03-10: two and a half minutes before the close of XNYS."""
FLAGS = (ALL_FLAGS, ALL_FLAGS, ALL_FLAGS, COUNTS_VOLUME, SETS_LAST | COUNTS_VOLUME, SETS_HIGH_LOW, 0)
CONFIG = EngineConfig(feed="test", sessions=("regular", "extended"), is_offline=True)
QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def _trigger(node_id: str, config: dict[str, object], agent_type: str = "technical_trigger") -> TriggerSpec:
    return trigger(config, agent_type=agent_type, node_id=node_id, symbols=(CRYPTO, STOCK))


def _leaf(operand: str, operator: str, value: object, **more: object) -> dict[str, object]:
    key = "operand" if operand.split("@")[0] in ("price", "close", "volume", "high", "vwap") else "indicator"
    return {key: operand, "operator": operator, "value": value, **more}


SPECS = (
    _trigger("a", {"operator": ">", "value": 100, "fire": "every_edge"}, "price_trigger"),
    _trigger("b", {"operator": "crosses_above", "value": 100, "cooldown_seconds": 20}, "price_trigger"),
    _trigger("c", {"operator": ">", "value": 100, "fire": "every_edge", "hold": {"seconds": 7}}, "price_trigger"),
    _trigger("d", {"operator": "<", "value": 100, "hold": {"trades": 2}, "session": "extended"}, "price_trigger"),
    _trigger("e", {"conditions": [_leaf("close", ">", "SMA_2")], "evaluate": "candle_close", "fire": "every_edge"}),
    _trigger(
        "f",
        {
            "conditions": [_leaf("close", ">", 99.5)],
            "evaluate": "candle_close",
            "hold": {"seconds": 1},
            "session": "extended",
            "fire": "every_edge",
        },
    ),
    _trigger(
        "g",
        {"conditions": [_leaf("close", ">", 99.5)], "evaluate": "candle_close", "hold": {"candles": 2}},
    ),
    _trigger(
        "h",
        {
            "any": [
                _leaf("price", "rises_by_pct", 1, candles=1),
                _leaf("EMA_2@1m", "falls_by_pct", 0.5, candles=1),
                {"not": _leaf("RSI_2@1m", "<", 60, hysteresis=5)},
            ],
            "fire": "every_edge",
            "max_firings_per_session": 2,
        },
    ),
    _trigger(
        "i",
        {
            "all": [_leaf("price", "crosses_above", "vwap@5m", within_candles=2), _leaf("volume@1m", ">", 3)],
            "fire": "once",
        },
    ),
    _trigger("j", {"conditions": [_leaf("BBANDS_2_0.1.upper", "<", "price")], "rearm": "next_session"}),
    _trigger("k", {"conditions": [_leaf("ATR_2", "inside", [0.1, 2])], "require_stable": True}),
    _trigger("l", {"schedule": {"type": "cron", "expression": "* * * * *", "timezone": "UTC"}}, "time_trigger"),
)


@st.composite
def tapes(draw: st.DrawFn) -> list[Row]:
    """Trades of a 24/7 symbol and of a stock whose session ends, some late, some out of order, some odd."""
    now = START
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 60))):
        now += draw(st.sampled_from((0, 0, 40, 250, 900, 3_000, 14_000, 61_000)))
        back = draw(st.sampled_from((0, 0, 0, 0, 500, 4_000, 70_000)))
        rows.append(
            (
                draw(st.sampled_from((CRYPTO, STOCK))),
                now - back,
                draw(st.integers(396, 404)) / 4,
                draw(st.sampled_from((0.0, 0.5, 1.0, 3.0))),
                draw(st.sampled_from(FLAGS)),
                draw(st.sampled_from((0, 0b10, 1 << 63))),
            )
        )
    return rows


def _engine(specs: Sequence[TriggerSpec] = SPECS, grace_ms: int = CONFIG.close_grace_ms) -> Engine:
    engine = Engine(replace(CONFIG, close_grace_ms=grace_ms))
    for symbol in (CRYPTO, STOCK):
        engine.symbol_id(symbol)
    engine.watch([("SMA_2", "1m"), ("MACD_2_3_2.signal", "1m")])
    engine.apply([TriggerChange("set", spec.trigger_id, spec) for spec in specs])
    return engine


def _columns(tape: Trades, start: int, stop: int) -> Trades:
    return Trades(*(getattr(tape, name)[start:stop] for name in Trades.__dataclass_fields__))


def _canonical(output: Output) -> dict[str, object]:
    """What came out, by symbol and kind in order; NaN made equal to itself."""
    found: dict[str, list[str]] = defaultdict(list)
    for firing in output.firings:
        found[f"firing {firing.trigger_id} {firing.symbol}"].append(repr(firing))
    for suppression in output.suppressions:
        firing = suppression.firing
        found[f"suppression {firing.trigger_id} {firing.symbol}"].append(repr(suppression))
    for candle in output.candles:
        found[f"candle {candle.symbol} {candle.session} {candle.timeframe}"].append(repr(candle))
    return dict(found)


def _add(total: Output, output: Output) -> None:
    total.firings += output.firings
    total.suppressions += output.suppressions
    total.candles += output.candles


def _whole(rows: list[Row], chunk: int = 1 << 16, grace_ms: int = CONFIG.close_grace_ms) -> Output:
    engine = _engine(grace_ms=grace_ms)
    total = Output()
    for output in play(engine, trades(engine, rows), chunk=chunk):
        _add(total, output)
    return total


@QUICK
@given(tapes(), st.sampled_from((2000, 1900, 130)))
def test_T24_playing_equals_a_mark_at_every_quarter_second(rows: list[Row], grace_ms: int) -> None:
    engine = _engine(grace_ms=grace_ms)
    tape = trades(engine, rows)
    marks = marks_before(tape.ts_ms).tolist()
    engine.start_schedules(int(tape.ts_ms[0]))
    total = Output()
    mark = -(-int(tape.ts_ms[0]) // 250) * 250
    for i in range(len(tape)):
        while mark <= marks[i]:
            _add(total, engine.on_mark(mark, recv_ms=0, health="offline"))
            mark += 250
        _add(total, engine.on_trades(_columns(tape, i, i + 1)))
    assert _canonical(_whole(rows, grace_ms=grace_ms)) == _canonical(total)


@QUICK
@given(tapes(), st.integers(1, 20))
def test_any_cut_of_the_tape_gives_the_same_in_the_same_order(rows: list[Row], chunk: int) -> None:
    whole, cut = _whole(rows), _whole(rows, chunk)
    assert [repr(f) for f in whole.firings] == [repr(f) for f in cut.firings]
    assert [repr(s) for s in whole.suppressions] == [repr(s) for s in cut.suppressions]
    assert [repr(c) for c in whole.candles] == [repr(c) for c in cut.candles]


@QUICK
@given(tapes(), st.data())
def test_T30_restored_anywhere_equals_never_stopped(rows: list[Row], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    straight, broken = _engine(), _engine()
    tape = trades(straight, rows)
    marks = marks_before(tape.ts_ms)
    for engine in (straight, broken):
        engine.start_schedules(int(tape.ts_ms[0]))
    one = straight.play(_columns(tape, 0, cut), marks[:cut])
    two = broken.play(_columns(tape, 0, cut), marks[:cut])
    broken = Engine.restore(broken.snapshot(), CONFIG)
    assert broken.snapshot() == straight.snapshot()
    _add(one, straight.play(_columns(tape, cut, len(tape)), marks[cut:]))
    _add(two, broken.play(_columns(tape, cut, len(tape)), marks[cut:]))
    assert _canonical(one) == _canonical(two)
    assert broken.snapshot() == straight.snapshot()
    assert repr(straight.trigger_states()) == repr(broken.trigger_states())
    assert repr(straight.market()) == repr(broken.market())


@QUICK
@given(tapes())
def test_T26_live_without_marks_between_gives_the_same_ids(rows: list[Row]) -> None:
    """A trade's place among its minute's trades does not hang on who else is listening."""
    alone = replace(SPECS[0], symbols=(CRYPTO,))
    engine = _engine([alone])
    total = engine.on_trades(trades(engine, rows))
    other = _engine()
    with_others = other.on_trades(trades(other, rows))
    wanted = [f.firing_id for f in with_others.firings if (f.trigger_id, f.symbol) == ("p/a", CRYPTO)]
    assert [f.firing_id for f in total.firings] == wanted


@QUICK
@given(tapes())
def test_T14_candles_equal_a_plain_grouping_of_the_trades_that_are_not_late(rows: list[Row]) -> None:
    """Written without the engine: lateness by T14, closing by trade and mark as T13 says."""
    kept = [row for row in rows if row[0] == CRYPTO]
    found = {c.ts_ms: c for c in _whole(rows).candles if (c.symbol, c.timeframe) == (CRYPTO, "1m")}
    tape_ms = closed_until = 0
    minutes: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        tape_ms = max(tape_ms, row[1])
        if row[0] != CRYPTO or row[4] == 0:
            continue
        mark = tape_ms // 250 * 250
        if mark >= rows[0][1]:  # the first mark is not before the first trade
            closed_until = max(closed_until, (mark - 2000) // 60_000 * 60_000)
        if row[1] >= closed_until:
            minutes[row[1] // 60_000 * 60_000].append(row)
            closed_until = max(closed_until, row[1] // 60_000 * 60_000)
    last_mark = tape_ms // 250 * 250
    last_own = max((row[1] for row in kept if row[4]), default=0)
    expected: dict[int, list[Row]] = {}
    for start, inside in minutes.items():
        is_over = start + 62_000 <= last_mark or any(start + 60_000 <= r[1] for r in kept if r[4] and r[1] == last_own)
        if is_over and any(row[4] & SETS_LAST for row in inside):
            expected[start] = inside
    assert sorted(found) == sorted(expected)
    for start, inside in expected.items():
        candle = found[start]
        lasts = [(row[1], n, row[2]) for n, row in enumerate(inside) if row[4] & SETS_LAST]
        assert candle.open == min(lasts, key=lambda x: (x[0], x[1]))[2]
        assert candle.close == max(lasts, key=lambda x: (x[0], x[1]))[2]
        reach = [row[2] for row in inside if row[4] & SETS_HIGH_LOW] + [candle.open, candle.close]
        assert (candle.low, candle.high) == (min(reach), max(reach))
        assert candle.volume == sum(row[3] for row in inside if row[4] & COUNTS_VOLUME)
        assert candle.trades == len(inside)


@QUICK
@given(tapes())
def test_every_candle_keeps_its_shape_and_longer_ones_are_sums_of_minutes(rows: list[Row]) -> None:
    candles = _whole(rows).candles
    minutes = [c for c in candles if c.timeframe == "1m"]
    for c in candles:
        assert c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high
        assert np.isnan(c.vwap) == (c.volume == 0)
        assert np.isnan(c.vwap) or c.low <= c.vwap <= c.high
        inside = [
            m for m in minutes if (m.symbol, m.session) == (c.symbol, c.session) and c.ts_ms <= m.ts_ms < c.end_ms
        ]
        assert c.volume == sum(m.volume for m in inside)
        assert c.trades == sum(m.trades for m in inside)
        assert (c.open, c.close) == (inside[0].open, inside[-1].close)
        assert (c.low, c.high) == (min(m.low for m in inside), max(m.high for m in inside))
