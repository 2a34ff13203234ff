"""T21: what a status source says of halts, and what ends one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from core.settings import Settings
from ingest.alpaca_statuses import AlpacaStatuses
from ingest.halts import Halts, Status
from tests.kit.alpaca_data import KEY, SECRET
from tests.kit.alpaca_stream import AlpacaStream, alpaca_stream

AT = 1_741_617_000_000


def halted(halts: Halts, symbol: str = "AAPL", *, last_trade_ms: int = 0) -> bool:
    return halts.reason(symbol, last_trade_ms=last_trade_ms) is not None


@pytest.mark.parametrize(("halt", "resume"), [("H", "T"), ("P", "T"), ("2", "3")])
def test_T21_a_symbol_is_halted_until_its_trading_resumes(halt: str, resume: str) -> None:
    halts = Halts()
    halts.take(Status("AAPL", halt, "Volatility Trading Pause", AT))
    assert halts.reason("AAPL", last_trade_ms=AT - 5) == "trading is halted (Volatility Trading Pause)"
    assert not halted(halts, "MSFT")
    halts.take(Status("AAPL", "Q", "", AT + 1_000))
    assert halted(halts)
    halts.take(Status("AAPL", resume, "", AT + 2_000))
    assert not halted(halts)


def test_T21_a_status_that_says_nothing_of_halts_or_comes_late_changes_nothing() -> None:
    halts = Halts()
    for code in ("5", "6", "E", "F", "Q", ""):
        halts.take(Status("AAPL", code, "", AT))
        assert not halted(halts)
    halts.take(Status("AAPL", "H", "", AT))
    halts.take(Status("AAPL", "T", "", AT - 1))
    assert halted(halts)


def test_T21_a_trade_dated_after_the_halt_ends_it_as_a_resumption_may_have_been_missed() -> None:
    halts = Halts()
    halts.take(Status("AAPL", "H", "", AT))
    assert halted(halts, last_trade_ms=AT + 500)
    assert not halted(halts, last_trade_ms=AT + 5_000)
    assert not halted(halts)


async def heard(stream: AlpacaStream, until: Callable[[list[Status], list[str]], bool], *, key: str = KEY) -> None:
    """Listen until it is so, or fail after 20 s."""
    settings = Settings(
        alpaca_data_key=SecretStr(key), alpaca_data_secret=SecretStr(SECRET), alpaca_stream_url=stream.url
    )
    statuses: list[Status] = []
    missing: list[str] = []
    source = AlpacaStatuses(settings, statuses.append, missing.append)
    source.start()
    try:
        async with asyncio.timeout(20):
            while not until(statuses, missing):
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"heard {statuses}, told {missing}") from None
    finally:
        await asyncio.to_thread(source.close)


def test_T21_the_brokers_stream_tells_of_halts_and_says_when_it_is_gone() -> None:
    said: list[str] = []

    def until(statuses: list[Status], missing: list[str]) -> bool:
        if missing[-1] == "" and stream.subscribed and not said:
            said.append("halt")
            stream.say("AAPL", "H", AT, reason="News pending")
        if statuses and len(said) == 1:
            said.append("gone")
            stream.hang_up()
        if "the broker's status stream is disconnected" in missing and len(stream.subscribed) == 2 and len(said) == 2:
            said.append("resume")
            stream.say("AAPL", "T", AT + 1_000)
        return len(statuses) == 2

    with alpaca_stream() as stream:
        asyncio.run(heard(stream, until))
        assert stream.subscribed == [["*"], ["*"]]


@pytest.mark.parametrize("refusal", ["", "insufficient subscription"])
def test_T21_a_refused_key_is_told_and_not_shown(refusal: str, caplog: pytest.LogCaptureFixture) -> None:
    with alpaca_stream() as stream:
        stream.refusal = refusal
        wanted = refusal or "auth failed"
        asyncio.run(heard(stream, lambda _, missing: any(wanted in one for one in missing), key="PKWRONGKEY"))
    assert "PKWRONGKEY" not in caplog.text
    assert SECRET not in caplog.text
