"""Imports of history files: how far each has come, so that one that was killed goes on."""

from __future__ import annotations

import msgspec

from core.store.clickhouse.client import ClickHouse


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` are what the file comes to, candles and after them the trades kept; `done` those that are there."""

    import_id: str
    file: str
    kind: str
    feed: str
    source: str
    session: str
    rows: int
    done: int
    skipped: int
    updated_ms: int

    @property
    def is_complete(self) -> bool:
        return self.done >= self.rows


_COLUMNS = Import.__struct_fields__
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM history_imports FINAL"


def find(clickhouse: ClickHouse, import_id: str) -> Import | None:
    found = clickhouse.rows(f"{_SELECT} WHERE import_id = {{id:String}}", {"id": import_id}, Import)
    return found[0] if found else None


def unfinished(clickhouse: ClickHouse) -> list[Import]:
    """Return imports that were not brought to their end, the latest first."""
    return clickhouse.rows(f"{_SELECT} WHERE done < rows ORDER BY updated_ms DESC", {}, Import)


def note(clickhouse: ClickHouse, progress: Import) -> None:
    row = msgspec.structs.astuple(progress)
    token = f"{progress.import_id}-{progress.done}-{progress.updated_ms}"
    clickhouse.insert("history_imports", _COLUMNS, [row], by_column=False, token=token)
