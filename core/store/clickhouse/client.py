"""ClickHouse over HTTP: connects when first used, shared by threads, rows come back as Structs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from core.errors import ConfigError, InvalidInput, Problem, Unavailable
from core.settings import Settings

if TYPE_CHECKING:
    import polars as pl

_T = TypeVar("_T", bound=msgspec.Struct)
# No such table or database yet (migrations are on their way), time or memory is up, too many at once.
_NOT_NOW = (60, 81, 159, 202, 209, 210, 241, 252)
Value = str | int | float | None | Sequence[str] | Sequence[int]


class ClickHouse:
    """One HTTP client with a pool of connections. Make one a process and close it at the end.

    No session id is made: with one, two queries at once on a client would be refused by the driver.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = 30.0) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Client | None = None
        self.database = settings.clickhouse_database

    def rows(self, query: str, parameters: Mapping[str, Value], kind: type[_T]) -> list[_T]:
        """Run a query whose column names are the Struct's fields. `{name:Type}` stands for a parameter.

        Raises:
            Unavailable: ClickHouse does not answer, or is busy.
        """
        try:
            result = self._connected().query(query, parameters=dict(parameters))
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None
        return [msgspec.convert(row, kind) for row in cast("Sequence[dict[str, object]]", result.named_results())]

    def table(self, query: str) -> list[dict[str, object]]:
        """Run a query that nobody knows the columns of, and return its rows by name.

        Raises:
            Unavailable: ClickHouse does not answer, or is busy.
            DatabaseError: the query is refused.
        """
        try:
            result = self._connected().query(query)
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None
        return list(cast("Sequence[dict[str, object]]", result.named_results()))

    def text(self, query: str, *, form: str) -> Iterator[bytes]:
        """Run a query that may only read, and return its answer piece by piece in a format of ClickHouse.

        Raises:
            Unavailable: ClickHouse does not answer, or is busy.
            InvalidInput: the query is refused; the text is ClickHouse's.
        """
        try:
            # 2 and not 1: the driver sends settings of its own, which 1 would refuse.
            stream = cast("IO[bytes]", self._connected().raw_stream(query, fmt=form, settings={"readonly": 2}))
            with stream:
                while piece := stream.read(1 << 16):
                    yield piece
        except (DatabaseError, OSError) as error:
            reaction = _reaction(error)
            if isinstance(reaction, Unavailable):
                raise reaction from None
            raise InvalidInput(
                [Problem("query", str(error).strip()[:1000], "a SELECT that ClickHouse accepts")]
            ) from None

    def insert(
        self, table: str, columns: Sequence[str], data: Sequence[Sequence[object]], *, by_column: bool, token: str
    ) -> None:
        """Insert one batch. The same token again adds nothing.

        Args:
            data: rows, or whole columns (lists or arrays) with `by_column`.

        Raises:
            Unavailable: ClickHouse does not answer; it may or may not have the batch. Send it again.
        """
        try:
            self._connected().insert(
                table,
                data,
                column_names=list(columns),
                column_oriented=by_column,
                settings={"insert_deduplication_token": token},
            )
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None

    def insert_frame(self, table: str, frame: pl.DataFrame, *, token: str) -> None:
        """Insert a frame whose columns are the table's, as Arrow: several times as fast as lists. As `insert` else.

        Raises:
            Unavailable: ClickHouse does not answer; it may or may not have the rows. Send them again.
        """
        try:
            arrow = frame.to_arrow()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            self._connected().insert_arrow(  # pyright: ignore[reportUnknownMemberType]
                table,
                arrow,  # pyright: ignore[reportUnknownArgumentType]
                settings={"insert_deduplication_token": token},
            )
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None

    def command(self, statement: str) -> None:
        try:
            self._connected().command(statement)
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None

    def create_database(self) -> None:
        """Create the database of the settings where it is missing."""
        client = self._made(database="default")
        try:
            client.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(self.database)}")
        except (DatabaseError, OSError) as error:
            raise _reaction(error) from None
        finally:
            client.close()

    def check(self) -> None:
        """Answer, or raise `Unavailable`."""
        self.command("SELECT 1")

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._made(database=self.database)
            return self._client

    def _made(self, *, database: str) -> Client:
        address = urlsplit(self._settings.clickhouse_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigError("TAPEWATCH_CLICKHOUSE_URL: write http://host:8123")
        try:
            return clickhouse_connect.get_client(
                host=address.hostname,
                port=address.port or (8443 if address.scheme == "https" else 8123),
                secure=address.scheme == "https",
                username=self._settings.clickhouse_user,
                password=self._settings.clickhouse_password.get_secret_value(),
                database=database,
                autogenerate_session_id=False,
                connect_timeout=3,
                send_receive_timeout=round(self._timeout_s),
                query_retries=0,
            )
        except (ClickHouseError, OSError) as error:
            raise _away(error) from None


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _reaction(error: DatabaseError | OSError) -> Exception:
    """Return what the caller should react to: a server's refusal of a statement of ours is a mistake of ours."""
    code = getattr(error, "code", None)
    return error if isinstance(code, int) and code not in _NOT_NOW else _away(error)


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"ClickHouse is away ({type(error).__name__})")
