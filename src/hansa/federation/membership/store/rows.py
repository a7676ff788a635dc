"""What the queries share."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

IN_ONE_QUERY = 500


def inserted(connection: Connection, table: sa.Table, **values: Any) -> int:
    return int(connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one())


def chunked(
    connection: Connection, query: sa.Select[Any], column: sa.ColumnElement[Any], ids: Sequence[int]
) -> Iterable[Any]:
    for at in range(0, len(ids), IN_ONE_QUERY):
        yield from connection.execute(query.where(column.in_(ids[at : at + IN_ONE_QUERY])))


def collected(rows: Iterable[Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *rest in rows:
        found.setdefault(key, []).append(tuple(rest))
    return found
