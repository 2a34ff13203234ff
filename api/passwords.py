"""Passwords by argon2id, a few at a time: each check takes 64 MiB and a tenth of a second."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from pwdlib import PasswordHash

from core.errors import Unavailable

AT_ONCE = 2
WAIT_S = 5.0


class Passwords:
    """Checks and hashes, at most `AT_ONCE` together; who waits longer than `WAIT_S` is asked to come again."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._seats = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = ""

    def hash(self, password: str) -> str:
        with self._seat():
            return self._hasher.hash(password)

    def verify(self, password: str, known_hash: str | None) -> tuple[bool, str | None]:
        """Check a password; takes as long when there is no such user.

        Returns:
            Whether it is right, and a new hash to store where the old one's parameters are out of date.
        """
        with self._seat():
            if known_hash is None:
                self._nobody = self._nobody or self._hasher.hash("nobody has this password")
                self._hasher.verify(password, self._nobody)
                return False, None
            return self._hasher.verify_and_update(password, known_hash)

    @contextmanager
    def _seat(self) -> Generator[None]:
        if not self._seats.acquire(timeout=WAIT_S):
            raise Unavailable("too many are logging in at this moment")
        try:
            yield
        finally:
            self._seats.release()
