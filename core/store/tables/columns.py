"""What the tables share: metadata with named constraints, and the column kinds that recur.

Times are `timestamptz`, money is `numeric(20, 10)` USD, prices and quantities are `numeric(24, 10)`.
Repeated column objects are safe: SQLAlchemy copies a column into each table it stands in.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Numeric, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TIMESTAMP = DateTime(timezone=True)
MONEY = Numeric(20, 10)
PRICE = Numeric(24, 10)
QUANTITY = Numeric(24, 10)
# Typed as what we put in: a JSON object, and never the text form of an id.
JSON_OBJECT = cast("TypeEngine[dict[str, object]]", JSONB(none_as_null=True))
JSON_TEXTS = cast("TypeEngine[list[str]]", JSONB(none_as_null=True))
ID: TypeEngine[UUID] = Uuid()
EMPTY_OBJECT = text("'{}'::jsonb")
NOW = func.now()
