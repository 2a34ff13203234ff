"""One connection a key: who may be connected, and what is done where nobody can know."""

from __future__ import annotations

import socket
from typing import cast

import redis
from pydantic import SecretStr

from core.settings import Settings
from ingest.leader import TTL_S, LeaderLock

ANOTHER = "another-machine:17"


def locks(beside: redis.Redis) -> set[str]:
    return set(cast("list[str]", beside.keys("ingest:leader:*")))


def lock_and_name(settings: Settings) -> tuple[LeaderLock, redis.Redis, str]:
    """Return a lock for a key of its own, a connection beside it, and the name under which the lock is kept."""
    own = settings.model_copy(update={"finnhub_api_key": SecretStr(f"leader-{socket.gethostname()}")})
    beside = redis.Redis.from_url(own.redis_url.get_secret_value(), decode_responses=True)
    before = locks(beside)
    lock = LeaderLock(own)
    assert lock.hold()
    [name] = locks(beside) - before
    return lock, beside, name


def test_who_holds_the_lock_renews_it_and_its_name_does_not_tell_the_key(settings: Settings) -> None:
    lock, beside, name = lock_and_name(settings)
    beside.expire(name, 5)
    assert lock.hold()
    assert 5 < int(str(beside.ttl(name))) <= TTL_S
    assert "leader-" not in name
    lock.release()
    assert not beside.exists(name)


def test_another_machines_lock_is_waited_for_and_taken_once_it_is_gone(settings: Settings) -> None:
    lock, beside, name = lock_and_name(settings)
    lock.release()
    beside.set(name, ANOTHER, ex=TTL_S)
    assert not lock.hold()
    assert lock.trouble == ""
    lock.release()
    assert beside.get(name) == ANOTHER
    beside.delete(name)
    assert lock.hold()
    lock.release()


def test_who_has_lost_the_lock_to_another_machine_does_not_go_on(settings: Settings) -> None:
    lock, beside, name = lock_and_name(settings)
    beside.set(name, ANOTHER, ex=TTL_S)
    assert not lock.hold()
    lock.release()
    assert beside.get(name) == ANOTHER
    beside.delete(name)


def test_while_redis_is_mute_the_holder_goes_on_and_says_so(settings: Settings) -> None:
    lock, beside, _ = lock_and_name(settings)
    beside.execute_command("CLIENT PAUSE", 60_000, "WRITE")
    try:
        assert lock.hold()
        assert "Redis does not answer" in lock.trouble
    finally:
        beside.execute_command("CLIENT UNPAUSE")
    assert lock.hold()
    assert lock.trouble == ""
    lock.release()


def test_without_redis_a_newcomer_waits_and_says_why(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        lock = LeaderLock(settings.model_copy(update={"redis_url": SecretStr(nobody)}))
        assert not lock.hold()
        assert "Redis does not answer" in lock.trouble
        lock.release()
