"""The three tokens of a session: access (signed, short), refresh (random, one use), XSRF (follows from the login)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

import jwt
import msgspec

from core.clock import Clock
from core.errors import ConfigError
from core.settings import Settings

ACCESS_S = 15 * 60
REFRESH_S = 14 * 86_400
_ALGORITHM = "HS256"
_AUDIENCE = "tapewatch"
MINIMUM_SECRET = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """A logged-in user. `family` is the login; `until_s` is when the access ends, epoch seconds."""

    user_id: UUID
    family: UUID
    until_s: int


class _Claims(msgspec.Struct, frozen=True):
    sub: UUID
    fam: UUID
    exp: int


class Tokens:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._secret = settings.session_secret.get_secret_value()
        self._clock = clock

    def require_secret(self) -> None:
        """Refuse to serve without a secret to sign with.

        Raises:
            ConfigError: it is missing or short.
        """
        if len(self._secret) < MINIMUM_SECRET:
            raise ConfigError(
                f"TAPEWATCH_SESSION_SECRET: found {len(self._secret)} characters; give at least {MINIMUM_SECRET} "
                "random ones, for example from `openssl rand -hex 32`"
            )

    def sign_access(self, user_id: UUID, family: UUID) -> tuple[str, int]:
        """Return an access token and the epoch second it ends at."""
        self.require_secret()
        now_s = self._clock.now_ms() // 1000
        claims = {
            "sub": str(user_id),
            "fam": str(family),
            "aud": _AUDIENCE,
            "iat": now_s,
            "exp": now_s + ACCESS_S,
            "jti": uuid4().hex,
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM), now_s + ACCESS_S

    def read_access(self, token: str) -> Identity | None:
        """Return whom an access token names; None where it is not ours, or has ended."""
        self.require_secret()
        try:
            decoded = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                # The end is judged below by the injected clock.
                options={"require": ["exp", "sub", "fam", "jti"], "verify_exp": False, "verify_iat": False},
            )
            claims = msgspec.convert(decoded, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError):
            return None
        if claims.exp * 1000 <= self._clock.now_ms():
            return None
        return Identity(claims.sub, claims.fam, claims.exp)

    def xsrf_of(self, family: UUID) -> str:
        """Return what a mutation of this login must bring in its header."""
        return hmac.new(self._secret.encode(), b"xsrf:" + family.bytes, hashlib.sha256).hexdigest()


def new_refresh() -> str:
    """Return a refresh token: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_refresh(token: str) -> bytes:
    """Return what is stored of a refresh token."""
    return hashlib.sha256(token.encode()).digest()
