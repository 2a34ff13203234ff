"""The engine that repositories are given connections of, and what an absent Postgres becomes.

A repository function takes a `Connection` and never commits: `with engine.begin() as tx: pipelines.save(tx, ...)`.
"""

from __future__ import annotations

import msgspec
import psycopg
import psycopg.errors
import sqlalchemy.exc
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from typing_extensions import override

from core.errors import ConfigError, Unavailable
from core.settings import Settings

__all__ = ["Connection", "Engine", "check", "engine", "url"]

_DRIVER = "postgresql+psycopg"
# Classes of SQLSTATE that say "not now": connection, resources, operator intervention, deadlock and the like.
_RETRYABLE = ("08", "53", "57", "40")


def url(settings: Settings) -> URL:
    """Return the URL of the settings with the driver we use.

    Raises:
        ConfigError: it is no Postgres URL; the text does not show the password.
    """
    try:
        parsed = make_url(settings.postgres_url.get_secret_value())
    except Exception:  # noqa: BLE001 - the library's own error would show the URL and its password
        raise ConfigError("TAPEWATCH_POSTGRES_URL: not a URL; write postgresql://user:pw@host/db") from None
    if not parsed.drivername.startswith("postgres") or not parsed.database:
        raise ConfigError("TAPEWATCH_POSTGRES_URL: write postgresql://user:pw@host/db")
    return parsed.set(drivername=_DRIVER)


def engine(
    settings: Settings, *, pool_size: int = 5, pool_timeout_s: float = 5.0, statement_timeout_ms: int = 30_000
) -> Engine:
    """Return an engine; it connects when first used, and again when a connection has died.

    At most twice `pool_size` connections are open; who finds none free waits `pool_timeout_s`.

    Whatever means "away for now" is raised as `core.errors.Unavailable`, from `begin()` as from any statement.
    """
    made = create_engine(
        url(settings),
        pool_size=pool_size,
        max_overflow=pool_size,
        poolclass=_Pool,
        pool_timeout=pool_timeout_s,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "tapewatch",
            "options": f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC",
        },
        json_serializer=_encode,
        json_deserializer=msgspec.json.decode,
    )
    event.listen(made, "handle_error", _translate, retval=True)
    return made


class _Pool(QueuePool):
    """A pool whose "all connections are in use" is one more way of not now."""

    @override
    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except sqlalchemy.exc.TimeoutError:
            raise Unavailable("Postgres: every connection of this process is in use") from None


def check(made: Engine) -> None:
    """Answer, or raise `Unavailable`."""
    with made.connect() as connection:
        connection.execute(text("SELECT 1"))


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _translate(context: ExceptionContext) -> BaseException | None:
    error = context.original_exception
    if isinstance(error, psycopg.errors.UndefinedTable):
        return Unavailable("Postgres has no tables yet; `tapewatch migrate` makes them")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (
        error.sqlstate is None or error.sqlstate[:2] in _RETRYABLE
    ):
        return Unavailable(f"Postgres is away ({error.sqlstate or 'no connection'})")
    return None
