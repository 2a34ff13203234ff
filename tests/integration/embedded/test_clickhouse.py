"""An unmodified clickhouse-connect against the endpoint, one behaviour a test."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from core.settings import Settings
from tests.kit.stack import RunningStack


class Address(TypedDict):
    host: str
    port: int
    username: str
    password: str


def address(settings: Settings) -> Address:
    host, _, port = settings.clickhouse_url.removeprefix("http://").partition(":")
    return Address(
        host=host,
        port=int(port),
        username=settings.clickhouse_user,
        password=settings.clickhouse_password.get_secret_value(),
    )


@pytest.fixture
def database(settings: Settings) -> Generator[str]:
    name = settings.clickhouse_database
    with clickhouse_connect.get_client(**address(settings)) as admin:
        admin.command(f"CREATE DATABASE {name}")
        yield name
        admin.command(f"DROP DATABASE {name}")


@pytest.fixture
def client(settings: Settings, database: str) -> Generator[Client]:
    with clickhouse_connect.get_client(
        **address(settings), database=database, autogenerate_session_id=False, compress="lz4"
    ) as connected:
        connected.command(
            "CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n "
            "SETTINGS non_replicated_deduplication_window = 100"
        )
        yield connected


def count(client: Client) -> int:
    return int(client.query("SELECT count() FROM t").result_rows[0][0])


def test_a_native_insert_of_several_lz4_frames_loses_no_row(client: Client) -> None:
    rows = [[n, str(n)] for n in range(100_000)]
    assert client.insert("t", rows, column_names=["n", "s"]).written_rows == 100_000
    assert client.query("SELECT count(), sum(n), max(s) FROM t").result_rows == [(100_000, 4_999_950_000, "99999")]


def test_arrow_goes_both_ways(client: Client) -> None:
    table = pa.table({"n": pa.array([1, 2, 3], pa.uint64()), "s": ["a", "b", "ü"]})  # pyright: ignore
    assert client.insert_arrow("t", table).written_rows == 3  # pyright: ignore
    read = client.query_arrow("SELECT n, s FROM t ORDER BY n", use_strings=True)  # pyright: ignore
    assert read.column("s").to_pylist() == ["a", "b", "ü"]


def test_raw_inserts_and_inserts_without_data_work(client: Client) -> None:
    client.raw_insert("t", column_names=["n", "s"], insert_block=b'1,"x"\n2,"y"\n', fmt="CSV")
    client.raw_insert(
        "t", column_names=["n", "s"], insert_block=b'{"n": 3, "s": "z"}', fmt="JSONEachRow", compression=""
    )
    client.command("INSERT INTO t VALUES (4, 'FORMAT Native')")
    client.command("INSERT INTO t SELECT number + 5, 'q' FROM numbers(5)")
    assert count(client) == 9


def test_a_repeated_token_inserts_once(client: Client) -> None:
    for _ in range(2):
        client.insert("t", [[1, "a"]], column_names=["n", "s"], settings={"insert_deduplication_token": "batch-1"})
    client.insert("t", [[1, "a"]], column_names=["n", "s"], settings={"insert_deduplication_token": "batch-2"})
    assert count(client) == 2


def test_malformed_data_are_refused_and_nothing_is_kept(client: Client) -> None:
    with pytest.raises(DatabaseError):
        client.raw_insert("t", column_names=["n", "s"], insert_block=b"1,a\nnot a number,b\n", fmt="CSV")
    assert count(client) == 0


def test_parameters_are_bound_on_the_server_and_by_the_client(client: Client) -> None:
    bound = client.query("SELECT {a:Array(UInt8)}, {s:String}", parameters={"a": [1, 2], "s": "o'clock {x}"})
    assert bound.result_rows == [([1, 2], "o'clock {x}")]
    assert client.query("SELECT %s", parameters=("o'clock",)).result_rows == [("o'clock",)]


def test_long_parameters_travel_in_a_form(settings: Settings) -> None:
    with clickhouse_connect.get_client(**address(settings), form_encode_query_params=True) as client:
        long = client.query("SELECT length({s:String})", parameters={"s": "x" * 100_000})
    assert long.result_rows == [(100_000,)]


def test_settings_hold_for_one_query_only(client: Client) -> None:
    asked = "SELECT getSetting('max_threads'), getSetting('async_insert')"
    default = client.query(asked).result_rows
    assert client.query(asked, settings={"max_threads": 1}).result_rows[0][0] == 1
    for _ in range(8):  # whichever handle answers
        assert client.query(asked).result_rows == default


def test_readonly_for_one_query_spoils_no_later_one(client: Client) -> None:
    with pytest.raises(DatabaseError, match="164"):
        client.query("INSERT INTO t SELECT 1, 'x'", settings={"readonly": "1"})
    for _ in range(8):
        client.command("INSERT INTO t SELECT 1, 'x'")
    assert count(client) == 8


def test_a_set_statement_outside_a_session_leaves_no_trace(client: Client) -> None:
    client.command("SET max_threads = 1")
    for _ in range(8):
        assert client.query("SELECT getSetting('max_threads') > 1").result_rows == [(True,)]


def test_a_session_keeps_its_temporary_tables(settings: Settings, database: str) -> None:
    with clickhouse_connect.get_client(**address(settings), database=database, session_id="one") as one:
        one.command("CREATE TEMPORARY TABLE mine (n Int32)")
        one.command("INSERT INTO mine VALUES (7)")
        assert one.query("SELECT n FROM mine").result_rows == [(7,)]
        with clickhouse_connect.get_client(**address(settings), session_id="two") as two, pytest.raises(DatabaseError):
            two.query("SELECT n FROM mine")


@pytest.mark.parametrize(
    ("sql", "asked", "code"),
    [
        ("SELECT * FROM nowhere", {}, 60),
        ("SELEKT 1", {}, 62),
        ("SELECT nothing", {}, 47),
        ("SELECT sleep(3)", {"max_execution_time": 1}, 159),
        ("SELECT number FROM numbers(1000)", {"max_result_rows": 10}, 396),
        ("SELECT 1", {"no_such_setting": 1}, 115),
    ],
)
def test_errors_carry_the_engines_code(client: Client, sql: str, asked: dict[str, int], code: int) -> None:
    with pytest.raises(DatabaseError, match=rf"Code: {code}\."):
        client.query(sql, settings=asked)
    assert client.query("SELECT 1").result_rows == [(1,)]


def test_without_the_password_nothing_is_answered(settings: Settings) -> None:
    wrong = address(settings)
    wrong["password"] = "guess"
    with pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED"):
        clickhouse_connect.get_client(**wrong)
    connection = http.client.HTTPConnection(wrong["host"], wrong["port"], timeout=5)
    connection.request("POST", f"/?password={address(settings)['password']}", body=b"SELECT 1")
    assert connection.getresponse().status == 403, "a password in an address is none: addresses are logged"
    connection.close()


def test_the_key_header_is_an_answer_too(settings: Settings) -> None:
    where = address(settings)
    connection = http.client.HTTPConnection(where["host"], where["port"], timeout=5)
    connection.request("POST", "/", body=b"SELECT timezone()", headers={"X-ClickHouse-Key": where["password"]})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"UTC\n")
    connection.close()


def test_the_async_client_works(settings: Settings, client: Client, database: str) -> None:
    async def use() -> int:
        connected = await clickhouse_connect.get_async_client(
            **address(settings), database=database, autogenerate_session_id=False
        )
        try:
            await connected.insert("t", [[n, "x"] for n in range(1_000)], column_names=["n", "s"])
            answers = await asyncio.gather(*(connected.query("SELECT count() FROM t") for _ in range(8)))
            return sum(int(answer.result_rows[0][0]) for answer in answers)
        finally:
            await connected.close()

    assert asyncio.run(use()) == 8_000


def test_eight_clients_at_once_lose_nothing(settings: Settings, client: Client, database: str) -> None:

    def work(number: int) -> None:
        with clickhouse_connect.get_client(**address(settings), database=database) as own:
            for turn in range(10):
                own.insert("t", [[number, f"{number}-{turn}-{i}"] for i in range(50)], column_names=["n", "s"])
                own.query("SELECT count() FROM t", settings={"max_threads": number % 2 + 1})

    with ThreadPoolExecutor(max_workers=8) as clients:
        for done in [clients.submit(work, number) for number in range(8)]:
            done.result()
    assert count(client) == 8 * 10 * 50


def test_the_engines_memory_is_limited(stack: RunningStack, client: Client) -> None:
    limit = client.query("SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'").result_rows
    assert limit == [("1000000000",)]
    with pytest.raises(DatabaseError, match=r"Code: 241\."):
        client.query("SELECT groupArray(repeat('x', 1000)) FROM numbers(10000000)")
    assert client.query("SELECT 1").result_rows == [(1,)]
    assert stack.run().ready
