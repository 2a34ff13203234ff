"""Write a draft revision from the difference between the tables and a migrated database.

`TAPEWATCH_POSTGRES_URL=... python -m core.store.migrations.draft "add a column"`
"""

from __future__ import annotations

import sys

from alembic import command

from core.settings import load
from core.store import postgres
from core.store.migrate import VERSIONS, alembic_config


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit('say what it does: python -m core.store.migrations.draft "add a column"')
    engine = postgres.engine(load())
    with engine.begin() as connection:
        config = alembic_config(connection)
        number = len(list(VERSIONS.glob("[0-9]*.py"))) + 1
        command.revision(config, message=sys.argv[1], autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    main()
