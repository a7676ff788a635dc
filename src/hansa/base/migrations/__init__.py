"""Tables come from migrations (Alembic), run by the program itself when a component starts.

A component is `site` or `federation`; its migrations are the modules in `hansa/<component>/migrations/versions/`. Each room of a
component is its own branch, so that rooms grow without waiting for each other. To add a table, write the next module
of your room:

    \"\"\"Usage records.\"\"\"                                     # versions/usage_0001.py

    import sqlalchemy as sa
    from alembic import op

    revision = "usage_0001"
    down_revision = None                                     # the next one: revision "usage_0002", down_revision "usage_0001"
    branch_labels = ("usage",)                               # only in the first of a room
    depends_on = None                                        # "base_0001" or another room's revision that must come first

    def upgrade() -> None:
        op.create_table("usage_record", sa.Column("id", sa.String(36), primary_key=True))

Table names begin with the room's name. A released migration is never edited, and there is no downgrade: restore a backup.
Keep `store.py`'s `MetaData` equal to what the migrations make; `tests/support/schema.py` compares them.

The tables of `base` itself (workflows) come with every component.
"""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import ConfigurationError

LOCK = 0x68616E7361  # "hansa": the key of PostgreSQL's advisory lock


async def upgrade(db: Database, component: str) -> None:
    """Bring the component's tables up to this program, in one transaction; processes that start together wait for each other.

    ConfigurationError if the database was written by a newer Hansa.
    """
    try:
        await db.write(lambda connection: migrate(connection, component))
    except CommandError as error:
        raise ConfigurationError(
            f"The {component} database was written by another version of Hansa ({error}); install that one, or a newer.",
            key="database.url",
        ) from error


def migrate(connection: Connection, component: str, revision: str = "heads") -> None:
    """Up to a revision, for tests of the next one; `upgrade` is for everybody else."""
    if connection.dialect.name == "postgresql":
        # A serialisable snapshot would be taken before the lock is ours, and miss what its last holder did.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    for part in ("base", component):
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent))
        config.set_main_option("version_locations", str(files(f"hansa.{part}.migrations") / "versions"))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = connection
        config.attributes["version_table"] = f"{part}_version"
        command.upgrade(config, "heads" if part == "base" else revision)
