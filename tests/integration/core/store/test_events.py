"""The event log: numbers in commit order, so that no reader can miss one."""

from __future__ import annotations

import threading
from collections.abc import Generator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from core.settings import Settings
from core.store import events, postgres, users


@pytest.fixture
def engine(migrated: Settings) -> Generator[Engine]:
    made = postgres.engine(migrated, pool_size=10)
    yield made
    made.dispose()


def _user(engine: Engine) -> UUID:
    user_id = uuid4()
    with engine.begin() as tx:
        users.create(tx, user_id=user_id, email=f"{user_id}@example.com", password_hash="")
    return user_id


def test_a_reader_that_follows_the_numbers_misses_no_event_of_concurrent_writers(engine: Engine) -> None:
    user_id = _user(engine)
    each, writers = 40, 6

    def write(number: int) -> None:
        for i in range(each):
            with engine.begin() as tx:
                events.append(tx, "error", user_id=user_id, at=datetime.now(UTC), payload={"w": number, "i": i})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while any(thread.is_alive() for thread in threads) or len(seen) < each * writers:
        with engine.connect() as connection:
            seen += [event.seq for event in events.after(connection, user_id, seen[-1] if seen else 0)]
        if not any(thread.is_alive() for thread in threads) and len(seen) < each * writers:
            with engine.connect() as connection:
                assert events.after(connection, user_id, seen[-1]), "an event was passed over"
    for thread in threads:
        thread.join()
    assert len(seen) == each * writers
    assert seen == sorted(seen)


def test_the_record_returned_is_the_one_that_is_read(engine: Engine) -> None:
    user_id, execution_id = _user(engine), uuid4()
    at = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)
    with engine.begin() as tx:
        written = events.append(
            tx, "agent_started", user_id=user_id, at=at, execution_id=execution_id, payload={"a": [1, None, "ü"]}
        )
    with engine.connect() as connection:
        assert events.of_execution(connection, user_id, execution_id) == [written]
        assert events.of_execution(connection, uuid4(), execution_id) == []
        assert events.last_seq(connection, user_id) == written.seq
    assert written.at == "2026-11-23T12:00:00.123Z"
