"""The record of attribute certificates."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.membership.model import Credential, IssuedAc
from hansa.federation.membership.store.tables import issued
from hansa.standards.x509 import Name


def record(connection: Connection, acs: Sequence[IssuedAc]) -> None:
    rows = [
        {
            "vo": ac.vo,
            "serial": f"{ac.serial:x}",
            "issued": ac.issued,
            "not_after": ac.not_after,
            "subject": ac.holder.subject.rfc4514(),
            "issuer": ac.holder.issuer.rfc4514(),
            "fqans": json.dumps(ac.fqans),
            "client": ac.client,
            "dialect": ac.dialect,
        }
        for ac in acs
    ]
    connection.execute(issued.insert(), rows)


def recorded(connection: Connection, vo: str, limit: int) -> list[IssuedAc]:
    """The latest, newest first."""
    query = sa.select(issued).where(issued.c.vo == vo).order_by(issued.c.id.desc()).limit(limit)
    return [
        IssuedAc(
            vo=row.vo,
            serial=int(row.serial, 16),
            issued=row.issued,
            not_after=row.not_after,
            holder=Credential(Name.parse_rfc4514(row.subject), Name.parse_rfc4514(row.issuer)),
            fqans=tuple(json.loads(row.fqans)),
            client=row.client,
            dialect=row.dialect,
        )
        for row in connection.execute(query)
    ]
