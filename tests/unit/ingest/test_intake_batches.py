"""When the trades of frames go to Kafka: at once after a rest, together where they come thick and fast."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest
from typing_extensions import override

from core.clock import ManualClock
from core.settings import Settings
from engine.sessions import Calendars
from ingest.feedclock import ReceiptClock
from ingest.hours import Hours
from ingest.intake import BATCH_S, Intake
from ingest.liveness import Liveness
from ingest.normaliser import Normaliser
from ingest.publisher import Publisher


class HeldLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is set."""

    now_s = 100.0

    @override
    def time(self) -> float:
        return self.now_s


@pytest.fixture
def loop() -> Generator[HeldLoop]:
    made = HeldLoop()
    yield made
    made.close()


@pytest.fixture
def publisher() -> Publisher:
    """Sends to a port where nobody listens: `buffered` counts the batches it has been given."""
    return Publisher(Settings(kafka_brokers="127.0.0.1:1", trades_partitions=1), ManualClock())


def intake_into(publisher: Publisher) -> Intake:
    clock, calendars = ManualClock(), Calendars({})
    return Intake(
        publisher, Normaliser(calendars), ReceiptClock(clock), clock, Liveness(clock, Hours(calendars)),
        on_error=lambda _text: None, on_news=lambda _symbols: None,
    )  # fmt: skip


def frame(n: int) -> str:
    return f'{{"type":"trade","data":[{{"s":"BINANCE:A","p":1.5,"t":{n},"v":1,"c":null}}]}}'


def test_a_frame_after_a_rest_is_sent_at_once(loop: HeldLoop, publisher: Publisher) -> None:
    async def scenario() -> None:
        intake = intake_into(publisher)
        intake.take(frame(1))
        assert (publisher.buffered, publisher.has_waiting) == (1, False)
        loop.now_s += BATCH_S
        intake.take(frame(2))
        assert (publisher.buffered, publisher.has_waiting) == (2, False)

    loop.run_until_complete(scenario())


def test_frames_that_follow_within_2_ms_go_together(loop: HeldLoop, publisher: Publisher) -> None:
    async def scenario() -> None:
        intake = intake_into(publisher)
        for n in range(1, 6):
            intake.take(frame(n))
        assert (publisher.buffered, publisher.has_waiting) == (1, True)
        loop.now_s += BATCH_S
        for _ in range(3):
            await asyncio.sleep(0)
        assert (publisher.buffered, publisher.has_waiting) == (2, False)

    loop.run_until_complete(scenario())
