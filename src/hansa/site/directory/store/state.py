"""How often the directory was changed: what was read before a change is out of date after it."""

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.site.directory.store.tables import state

_VERSION = sa.select(state.c.version)


def version(connection: Connection) -> int:
    return int(connection.execute(_VERSION).scalar_one())


def advance(connection: Connection) -> int:
    connection.execute(sa.update(state).values(version=state.c.version + 1))
    return version(connection)
