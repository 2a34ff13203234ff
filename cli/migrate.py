"""`tapewatch migrate`: bring Postgres and ClickHouse to the schema of this version."""

from __future__ import annotations


def migrate() -> None:
    """Bring Postgres, ClickHouse and the topics to what this version needs.

    Safe to run at any time, and more than once. `tapewatch up` does it by itself; run it when you deploy on servers.
    """
    from core import observability, settings
    from core.store import migrate as stores
    from core.wire.kafka import ensure_topics

    configured = settings.load()
    observability.start("migrate", configured)
    stores.run(configured)
    ensure_topics(configured)
