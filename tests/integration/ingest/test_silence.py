"""A feed that is connected and says nothing, wrong things, or the same thing twice (T20, T24, T25)."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.heartbeat import Beat
from core.settings import Settings
from core.store import feed_status
from core.store import redis as redis_store
from core.store.feed_status import FeedStatus
from core.wire.records import DeadLetter, FeedHealthRecord, decode
from core.wire.topics import topics
from core.wire.trades import History, Mark, TradeFrame
from tests.integration.ingest.log_of_trades import BTC, ETH, LogOfTrades, settings_for
from tests.kit.alpaca_data import KEY, SECRET
from tests.kit.alpaca_stream import alpaca_stream
from tests.kit.log import read_all
from tests.kit.processes import running
from tests.kit.simulator import TOKEN, RunningSimulator, running_simulator
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

COINS = [BTC, ETH, *(f"BINANCE:{name}USDT" for name in ("SOL", "BNB", "XRP"))]
LONG_S = 60


class Listening:
    """A simulator, ingest, and what both have said."""

    def __init__(self, settings: Settings, simulator: RunningSimulator) -> None:
        self.settings = settings
        self.simulator = simulator
        self.log = LogOfTrades(settings)

    def status(self) -> FeedStatus | None:
        with contextlib.closing(redis_store.client(self.settings)) as connection:
            return feed_status.status(connection)

    def state_of(self, symbol: str) -> str:
        found = self.status()
        return found.symbols[symbol].health if found and symbol in found.symbols else ""

    def are_all_liquid(self) -> bool:
        found = self.status()
        return found is not None and all(s in found.symbols and found.symbols[s].a_minute > 60 for s in COINS)

    def beat(self) -> Beat | None:
        with contextlib.closing(redis_store.client(self.settings)) as connection:
            return next((b for b in redis_store.heartbeats(connection) if b.process == "ingest"), None)

    def detail(self) -> str:
        beat = self.beat()
        return beat.detail if beat else ""

    def is_filled_after_mute(self) -> bool:
        """Return whether history was published behind the last stale mark."""
        found = self.log.read()
        last = max((n for n, m in enumerate(found) if isinstance(m, Mark) and m.health == "stale"), default=len(found))
        return any(isinstance(m, History) and m.symbol == BTC for m in found[last:])

    def count(self, name: str) -> float:
        beat = self.beat()
        return beat.numbers.get(name, 0.0) if beat else 0.0

    def dead_letters(self) -> set[str]:
        """Return the reasons of the dead letters in the log."""
        dead = topics(self.settings).dead_letters.name
        return {decode(value, DeadLetter).reason for value in read_all(self.settings, dead)}

    def changes(self, symbol: str) -> list[str]:
        """Return the states of a symbol, in the order of the records."""
        names = topics(self.settings)
        records = [decode(value, FeedHealthRecord) for value in read_all(self.settings, names.feed_health.name)]
        return [r.health for r in records if r.symbol == symbol]


@pytest.fixture
def listening(settings: Settings, tmp_path: Path) -> Generator[Listening]:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator, watch=",".join(COINS))
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            found = Listening(own, simulator)
            wait_until(found.are_all_liquid, timeout_s=LONG_S, what="trades of every symbol")
            yield found
            found.log.close()


def test_T20_a_feed_that_falls_mute_is_stale_is_left_and_is_live_with_its_first_trade(listening: Listening) -> None:
    listening.simulator.put_faults(mute=True)
    wait_until(lambda: listening.count("mute_connections") >= 1, timeout_s=LONG_S, what="the connection to be left")
    wait_until(lambda: listening.log.marks()[-1].health == "stale", timeout_s=LONG_S, what="a stale mark")
    assert listening.log.marks()[-1].gap_ms > 10_000
    assert listening.state_of(ETH) == "stale"
    wait_until(lambda: "mute" in listening.detail(), timeout_s=LONG_S, what="it to be said")
    listening.simulator.put_faults()
    wait_until(lambda: listening.state_of(ETH) == "live", timeout_s=LONG_S, what="the symbols to live again")
    wait_until(lambda: listening.log.marks()[-1].health == "live", timeout_s=LONG_S, what="a live mark")
    wait_until(lambda: listening.is_filled_after_mute(), timeout_s=LONG_S, what="the missed candles")
    wait_until(lambda: listening.count("reconnects") >= 1, timeout_s=LONG_S, what="the new connection to be counted")
    assert listening.changes("")[:3] == ["live", "stale", "live"]
    assert listening.changes(ETH)[-2:] == ["stale", "live"]


def test_T20_one_silent_symbol_is_quiet_and_the_marks_of_its_partition_say_so(
    settings: Settings, tmp_path: Path
) -> None:
    with running_simulator(tmp_path, "--speed", "20") as simulator:
        simulator.put_faults(mute_symbols=[BTC])
        own = settings_for(settings, simulator, watch=",".join(COINS))
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            found = Listening(own, simulator)
            wait_until(lambda: found.state_of(ETH) == "live", timeout_s=LONG_S, what="another symbol to live")
            wait_until(lambda: BTC in found.log.marks()[-1].symbols, timeout_s=LONG_S, what="a mark with the symbol")
            assert found.log.marks()[-1].symbols[BTC] == "quiet"
            assert found.log.marks()[-1].health == "live"
            simulator.put_faults()
            wait_until(lambda: BTC not in found.log.marks()[-1].symbols, timeout_s=LONG_S, what="it to live")
            assert found.changes(BTC) == ["quiet", "live"]
            found.log.close()


def test_T25_a_frame_sent_three_times_is_taken_once(listening: Listening) -> None:
    listening.simulator.put_faults(repeat=3)
    wait_until(lambda: listening.count("duplicate_frames") > 100, timeout_s=LONG_S, what="duplicates counted")
    before = listening.log.trades()
    wait_until(lambda: listening.log.trades() > before + 200, timeout_s=LONG_S, what="trades")
    frames = [m for m in listening.log.messages if isinstance(m, TradeFrame)]
    rows = Counter(
        (s, t, p, v)
        for f in frames
        for s, t, p, v in zip(f.symbol_index.tolist(), f.ts_ms.tolist(), f.price.tolist(), f.size.tolist(), strict=True)
    )
    # Prints that are alike are legal, and rare: a tape taken three times would have nothing else.
    assert sum(n for n in rows.values() if n > 1) < 0.1 * rows.total()


def test_T24_trades_from_the_future_are_dead_letters_and_unknown_codes_are_counted(listening: Listening) -> None:
    listening.simulator.put_faults(code="61")
    wait_until(lambda: listening.count("unknown_code") > 20, timeout_s=LONG_S, what="unknown codes counted")
    # Feed time runs 20 times faster here, and what a trade's time is judged by is a second of it late.
    listening.simulator.put_faults(ahead_ms=600_000)
    wait_until(lambda: listening.count("future") > 20, timeout_s=LONG_S, what="trades of the future counted")
    taken = listening.log.trades()
    # Counted when it is sent: the log has it a moment later.
    wait_until(lambda: listening.dead_letters() == {"future"}, timeout_s=LONG_S, what="dead letters in the log")
    listening.simulator.put_faults(garbage='{"type":"trade","data":[{"s":1}]}')
    wait_until(lambda: listening.log.trades() > taken, timeout_s=LONG_S, what="trades beside rubbish")
    now = listening.status()
    assert now is not None
    assert max(listening.log.times()) <= now.at_ms + 60_000


def test_trades_held_back_come_in_one_burst_and_are_taken_late(listening: Listening) -> None:
    log = listening.log
    listening.simulator.put_faults(hold=True)
    # Half a minute of feed time, and well before the ten seconds after which a mute connection is left.
    wait_until(lambda: log.marks()[-1].feed_ms > max(log.times()) + 30_000, timeout_s=LONG_S, what="half a minute")
    last_ms, before, due_ms = max(log.times()), log.trades(), log.marks()[-1].feed_ms
    listening.simulator.put_faults()
    wait_until(lambda: log.trades() > before + 20, timeout_s=LONG_S, what="trades again")
    assert any(last_ms <= t < due_ms for t in log.times()[before:]), "of the time of silence"


def test_a_path_refused_while_it_runs_answers_403_until_it_is_allowed_again(settings: Settings, tmp_path: Path) -> None:
    with running_simulator(tmp_path) as simulator:
        simulator.put_faults(refuse=["quote"])
        assert _status_of(simulator, "quote?symbol=AAPL") == 403
        assert _status_of(simulator, "search?q=apple") == 200
        simulator.put_faults()
        assert _status_of(simulator, "quote?symbol=AAPL") == 200


def _status_of(simulator: RunningSimulator, path: str) -> int:
    request = urllib.request.Request(f"{simulator.rest_url}/{path}", headers={"X-Finnhub-Token": TOKEN})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_T21_a_halt_told_by_the_broker_is_in_marks_status_and_metrics_until_trading_resumes(
    settings: Settings, tmp_path: Path
) -> None:
    """The simulator's coins trade on; the halt is dated after all of their trades."""
    with alpaca_stream() as stream, running_simulator(tmp_path, "--speed", "20") as simulator:
        own = settings_for(settings, simulator, watch=",".join(COINS)).model_copy(
            update={
                "alpaca_data_key": SecretStr(KEY),
                "alpaca_data_secret": SecretStr(SECRET),
                "alpaca_data_url": "http://127.0.0.1:1",
                "alpaca_stream_url": stream.url,
            }
        )
        with running(variables_of(own), ["ingest"], tmp_path / "ingest.log"):
            found = Listening(own, simulator)
            wait_until(found.are_all_liquid, timeout_s=LONG_S, what="trades of every symbol")
            wait_until(lambda: bool(stream.subscribed), timeout_s=LONG_S, what="the subscription to statuses")
            wait_until(lambda: _sees_halts(found), timeout_s=LONG_S, what="it to be said that halts are seen")
            later_ms = found.log.marks()[-1].feed_ms + 7 * 86_400_000
            stream.say(BTC, "H", later_ms, reason="News pending")
            wait_until(lambda: found.state_of(BTC) == "halted", timeout_s=LONG_S, what="the halt in the status")
            wait_until(
                lambda: any(m.symbols.get(BTC) == "halted" for m in found.log.marks()), timeout_s=LONG_S, what="a mark"
            )
            wait_until(lambda: found.count("symbols_halted") == 1, timeout_s=LONG_S, what="the count")
            assert found.state_of(ETH) == "live"
            stream.say(BTC, "T", later_ms + 1)
            wait_until(lambda: found.state_of(BTC) == "live", timeout_s=LONG_S, what="trading to resume")
            assert found.changes(BTC)[-2:] == ["halted", "live"]
            found.log.close()
        assert SECRET not in (tmp_path / "ingest.log").read_text()


def _sees_halts(found: Listening) -> bool:
    status = found.status()
    return status is not None and not status.halts_not_seen
