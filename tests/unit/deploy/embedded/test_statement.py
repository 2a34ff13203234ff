from __future__ import annotations

import pytest

from deploy.embedded.clickhouse.statement import DataInsert, data_insert, first_word, output_format


@pytest.mark.parametrize(
    ("text", "sql", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00rows", "INSERT INTO t", "Native", b"\x00rows"),
        (b"INSERT INTO `odd FORMAT` (a, `b)`) FORMAT CSV\n1,2", "INSERT INTO `odd FORMAT` (a, `b)`)", "CSV", b"1,2"),
        (b"/* SELECT */ -- VALUES\ninsert into t format JSONEachRow {}", "insert into t", "JSONEachRow", b"{}"),
        (b"INSERT INTO t SETTINGS x = 'FORMAT' FORMAT Arrow\nARROW1", "INSERT INTO t SETTINGS x =", "Arrow", b"ARROW1"),
        (b"INSERT INTO t FORMAT Values (1),(2)", "INSERT INTO t", "Values", b"(1),(2)"),
    ],
)
def test_an_insert_with_data_is_split_where_its_data_begin(
    text: bytes, sql: str, data_format: str, data: bytes
) -> None:
    found = data_insert(text)
    assert found is not None
    assert found.sql.endswith(sql) or found.sql.startswith(sql)
    assert (found.data_format, text[found.data_at :]) == (data_format, data)


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO t VALUES (1, 'FORMAT CSV')",
        b"INSERT INTO t SELECT 1 FORMAT Native",
        b"INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x",
        b"INSERT INTO t (a) FROM INFILE 'x' FORMAT CSV",
        b"SELECT 'INSERT INTO t FORMAT CSV' FORMAT CSV",
        b"",
        b"-- nothing but a comment",
        b"INSERT INTO t",
        b"\xff\xfe",
    ],
)
def test_other_statements_carry_no_data(text: bytes) -> None:
    assert data_insert(text) is None


def test_data_after_the_format_are_never_read_as_words() -> None:
    text = b"INSERT INTO t FORMAT RowBinary\nSELECT VALUES"
    assert data_insert(text) == DataInsert("INSERT INTO t", "RowBinary", text.index(b"SELECT"))


def test_the_first_word_is_found_past_comments() -> None:
    assert first_word("/* a */ -- b\n  set x = 1") == "SET"
    assert first_word("") == ""


@pytest.mark.parametrize(
    ("sql", "name"),
    [("SELECT 1 FORMAT Native", "Native"), ("select 1\n format JSON ;", "JSON"), ("SELECT 'FORMAT CSV'", None)],
)
def test_the_format_asked_for_is_the_trailing_one(sql: str, name: str | None) -> None:
    assert output_format(sql) == name
