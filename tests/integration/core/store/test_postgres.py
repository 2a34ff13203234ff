"""What an absent or a fully used Postgres becomes for who asks it."""

from __future__ import annotations

import contextlib

import pytest

from core.errors import Unavailable
from core.settings import Settings
from core.store import postgres


def test_who_finds_no_connection_free_is_told_to_come_again(migrated: Settings) -> None:
    made = postgres.engine(migrated, pool_size=1, pool_timeout_s=0.05)
    with contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(made.begin())
        with pytest.raises(Unavailable, match="every connection of this process is in use"), made.begin():
            pass
    with made.begin() as tx:
        postgres.check(made)
        assert tx.closed is False
    made.dispose()
