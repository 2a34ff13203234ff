"""The market flow over a real broker, ClickHouse and Redis."""

from __future__ import annotations

import contextlib
import itertools
import math
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.settings import Settings
from core.store import redis as redis_store
from core.store.clickhouse.candles import StoredCandle
from core.store.clickhouse.client import ClickHouse
from core.wire import kafka
from core.wire.records import DeadLetter, decode
from core.wire.sure_reader import open_log
from core.wire.topics import topics
from engine.firing import ClosedCandle
from tests.kit.log import put, put_tape, put_triggers, read_all, read_firings
from tests.kit.market_flow import Expected, beat_of, expected, running_market, wait_for_beat
from tests.kit.tape import SYMBOLS, make_tape, price_trigger
from tests.kit.waiting import wait_until

TRIGGERS = [
    price_trigger("p-btc", [SYMBOLS[0]]),
    price_trigger("p-all", SYMBOLS, value=100.5, cooldown_seconds=5),
    price_trigger("p-hold", SYMBOLS[1:3], value=99.5, hold={"seconds": 1}),
]
_CANDLES = "SELECT * EXCEPT (version) FROM candles FINAL"


def stored_candles(settings: Settings) -> list[StoredCandle]:
    with contextlib.closing(ClickHouse(settings)) as clickhouse:
        return clickhouse.rows(_CANDLES, {}, StoredCandle)


def assert_same_candle(stored: StoredCandle, candle: ClosedCandle) -> None:
    for name in ("end_ms", "open", "high", "low", "close", "volume", "vwap", "trades", "partial", "source"):
        assert getattr(stored, name) == getattr(candle, name), (candle, name)
    assert stored.indicators.keys() == candle.values.keys()
    for column, value in candle.values.items():
        assert stored.indicators[column] == value or (math.isnan(value) and math.isnan(stored.indicators[column]))


def wait_for_firings(settings: Settings, should: Expected) -> None:
    missing = set(should.firings)

    def have_all() -> bool:
        missing.difference_update(f.firing_id for f in read_firings(settings))
        return not missing

    try:
        wait_until(have_all, timeout_s=30, what="all firings")
    except AssertionError:
        lost = sorted((should.firings[i] for i in missing), key=lambda f: f.decided_ms)
        raise AssertionError(f"{len(lost)} of {len(should.firings)} firings are missing: {lost[:3]}") from None


@pytest.mark.parametrize("runtime", ["bytewax", "loop"])
def test_trades_become_firings_on_kafka_and_candles_in_clickhouse_equal_to_the_engines_own(
    migrated: Settings, tmp_path: Path, runtime: str
) -> None:
    open_log(migrated)
    tape = make_tape(seconds=400, partitions=migrated.trades_partitions)
    should = expected(migrated, tmp_path, TRIGGERS, tape)
    assert len(should.firings) > 50
    put_triggers(migrated, TRIGGERS)
    with running_market(migrated, tmp_path / "market.out", runtime=runtime) as market:
        wait_for_beat(migrated, market, what="every trigger armed", triggers=len(TRIGGERS))
        put_tape(migrated, tape)
        wait_until(lambda: len(read_firings(migrated)) >= len(should.firings), timeout_s=30, what="all firings")
        wait_until(lambda: len(stored_candles(migrated)) >= len(should.candles), timeout_s=30, what="all candles")
        assert market.stop() == 0, market.output
    assert {f.firing_id: f for f in read_firings(migrated)} == should.firings
    assert len(read_all(migrated, topics(migrated).suppressions.name)) == should.suppressions
    stored = stored_candles(migrated)
    assert len(stored) == len(should.candles)
    for candle in stored:
        assert_same_candle(candle, should.candles[candle.symbol, candle.session, candle.timeframe, candle.ts_ms])
    with contextlib.closing(redis_store.client(migrated)) as connection:
        assert redis_store.symbols(connection) == sorted(SYMBOLS)
        [btc] = redis_store.snapshots(connection, [SYMBOLS[0]])
        assert btc.candles["1m"].close == btc.price
        states = redis_store.trigger_states(connection, ["p-all/node-1"])
        assert len(states["p-all/node-1"]) > 0


def test_a_killed_flow_loses_no_firing_and_finds_none_that_is_new(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    settings = migrated.model_copy(update={"checkpoint_interval_ms": 300})
    tape = make_tape(seconds=600, partitions=settings.trades_partitions, seed=3)
    should = expected(settings, tmp_path, TRIGGERS, tape)
    put_triggers(settings, TRIGGERS)
    cuts = [0, 5000, 8000, 10000, len(tape)]
    for first, last in itertools.pairwise(cuts):
        with running_market(settings, tmp_path / "market.out") as market:
            beat = wait_for_beat(settings, market, what="the flow to be well", triggers=len(TRIGGERS))
            put_tape(settings, tape[first:last])
            wait_for_beat(settings, market, what="some of it read", trades=beat.numbers["trades"] + 200)
            if last < len(tape):
                market.kill()
                continue
            wait_for_firings(settings, should)
            wait_until(lambda: len(stored_candles(settings)) >= len(should.candles), timeout_s=30, what="all candles")
            market.stop()
    found = read_firings(settings)
    assert {f.firing_id for f in found} == set(should.firings)
    for firing in found:
        assert firing == should.firings[firing.firing_id]
    for candle in stored_candles(settings):
        assert_same_candle(candle, should.candles[candle.symbol, candle.session, candle.timeframe, candle.ts_ms])


def test_what_nobody_can_read_goes_to_the_dead_letters_and_the_flow_goes_on(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    names = topics(migrated)
    good = price_trigger("p-good", [SYMBOLS[0]])
    bad = price_trigger("p-bad", [SYMBOLS[0]], operator="sideways")
    tape = make_tape(seconds=60, partitions=migrated.trades_partitions)
    should = expected(migrated, tmp_path, [good], tape)
    put(migrated, names.triggers.name, b"{not json", key="p-worse")
    put_triggers(migrated, [bad, good])
    for partition, poison in enumerate((b"", b"\x09\x01rubbish", b"\x01\x01\xff\xff\xff\xff\xff\xff", b"\x01\x02\xc1")):
        put(migrated, names.trades.name, poison, partition=partition)
    with running_market(migrated, tmp_path / "market.out") as market:
        wait_for_beat(migrated, market, what="the flow to be well", unreadable=4)
        put_tape(migrated, tape)
        wait_for_firings(migrated, should)
        with contextlib.closing(redis_store.client(migrated)) as connection:
            [state] = redis_store.trigger_states(connection, ["p-bad/node-1"])["p-bad/node-1"]
        assert state.state == "invalid"
        assert "sideways" in state.detail
        assert market.exit_code is None
    letters = [decode(value, DeadLetter) for value in read_all(migrated, names.dead_letters.name)]
    assert sorted(letter.reason for letter in letters) == [
        "bad_json", "invalid_trigger", "mark", "short", "symbols", "version",
    ]  # fmt: skip
    assert kafka.cluster_id(migrated)


def test_candles_found_while_clickhouse_is_away_are_in_it_after_it_is_back(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    away = migrated.model_copy(update={"clickhouse_url": "http://127.0.0.1:9"})
    tape = make_tape(seconds=200, partitions=migrated.trades_partitions, seed=8)
    should = expected(migrated, tmp_path, TRIGGERS, tape)
    put_triggers(away, TRIGGERS)
    with running_market(away, tmp_path / "market.out") as market:
        wait_for_beat(away, market, what="every trigger armed", triggers=len(TRIGGERS))
        put_tape(away, tape)
        wait_for_firings(away, should)
        wait_for_beat(away, market, what="candles waiting", history_waiting=len(should.candles))
        wait_until(lambda: "ClickHouse is away" in str(beat_of(away)), timeout_s=10, what="the flow to say so")
        assert market.stop() == 0
    assert stored_candles(migrated) == []
    with running_market(migrated, tmp_path / "market.out") as market:
        wait_until(lambda: len(stored_candles(migrated)) >= len(should.candles), timeout_s=60, what="all candles")
        assert market.stop() == 0
    for candle in stored_candles(migrated):
        assert_same_candle(candle, should.candles[candle.symbol, candle.session, candle.timeframe, candle.ts_ms])


def test_without_redis_firings_and_candles_go_on(migrated: Settings, tmp_path: Path) -> None:
    open_log(migrated)
    away = migrated.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")})
    tape = make_tape(seconds=120, partitions=migrated.trades_partitions, seed=9)
    put_triggers(away, TRIGGERS)
    with running_market(away, tmp_path / "market.out") as market:
        put_tape(away, tape)
        wait_until(lambda: len(read_firings(away)) > 0, timeout_s=60, what="a firing")
        wait_until(lambda: len(stored_candles(away)) > 0, timeout_s=30, what="a candle")
        assert market.stop() == 0
        assert "Traceback" not in market.output


def test_wrong_configuration_ends_with_one_clear_line(migrated: Settings, tmp_path: Path) -> None:
    wrong = migrated.model_copy(update={"candle_indicators": "SMA_20,SMASH_3"})
    with running_market(wrong, tmp_path / "market.out") as market:
        wait_until(lambda: market.exit_code is not None, timeout_s=60, what="the flow to refuse")
        assert market.exit_code == 2
    [line] = [x for x in market.output.splitlines() if not x.startswith("{")]
    assert "TAPEWATCH_CANDLE_INDICATORS" in line
    assert "SMASH" in line


def test_a_flow_told_to_stop_while_it_compiles_ends_at_once(
    migrated: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "nothing compiled"))
    with running_market(migrated, tmp_path / "market.out") as market:
        wait_until(lambda: "compiling the engine" in market.output, timeout_s=120, what="the compiler to begin")
        assert market.stop(timeout_s=30) == -signal.SIGTERM
