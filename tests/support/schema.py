"""Do the migrations make the tables that the stores believe in?"""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from hansa.base.database import Database


async def differences(db: Database, metadata: MetaData) -> list[Any]:
    """What autogenerate would change for the tables of `metadata`; empty when all is well. Migrate `db` first."""

    def compare(connection: Connection) -> list[Any]:
        def of_interest(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
            return kind != "table" or name in metadata.tables

        options = {"include_object": of_interest, "compare_type": False}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    return await db.read(compare)
