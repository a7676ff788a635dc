"""The tables of OS-FEDERATION."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from hansa.site.issuers.register.model import IdentityProvider, KeptMapping, Protocol, ServiceProvider

metadata = sa.MetaData()

providers = sa.Table(
    "issuers_provider",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("domain_id", sa.String(64), nullable=False),
    sa.Column("authorization_ttl", sa.Integer),
)

remote_ids = sa.Table(
    "issuers_remote_id",
    metadata,
    sa.Column("remote_id", sa.String(255), primary_key=True),
    sa.Column("provider", sa.String(64), nullable=False, index=True),
)

protocols = sa.Table(
    "issuers_protocol",
    metadata,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("mapping", sa.String(64), nullable=False),
    sa.Column("remote_id_attribute", sa.String(64)),
)

mappings = sa.Table(
    "issuers_mapping",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)

service_providers = sa.Table(
    "issuers_service_provider",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("auth_url", sa.String(256), nullable=False),
    sa.Column("sp_url", sa.String(256), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("relay_state_prefix", sa.String(256)),
)


def all_providers(connection: Connection) -> list[IdentityProvider]:
    theirs: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(remote_ids).order_by(remote_ids.c.remote_id)):
        theirs.setdefault(row.provider, []).append(row.remote_id)
    rows = connection.execute(sa.select(providers).order_by(providers.c.id))
    return [_provider(row, tuple(theirs.get(row.id, ()))) for row in rows]


def provider(connection: Connection, identifier: str) -> IdentityProvider | None:
    row = connection.execute(sa.select(providers).where(providers.c.id == identifier)).first()
    if row is None:
        return None
    named = sa.select(remote_ids.c.remote_id).where(remote_ids.c.provider == identifier)
    return _provider(row, tuple(connection.scalars(named.order_by(remote_ids.c.remote_id))))


def of_remote_id(connection: Connection, remote_id: str) -> str | None:
    """Whose it is."""
    return connection.scalar(sa.select(remote_ids.c.provider).where(remote_ids.c.remote_id == remote_id))


def put_provider(connection: Connection, kept: IdentityProvider) -> None:
    """New, or in the place of the one with that id; its protocols stay."""
    connection.execute(sa.delete(providers).where(providers.c.id == kept.id))
    connection.execute(sa.delete(remote_ids).where(remote_ids.c.provider == kept.id))
    connection.execute(
        sa.insert(providers).values(
            id=kept.id,
            enabled=kept.enabled,
            description=kept.description,
            domain_id=kept.domain_id,
            authorization_ttl=kept.authorization_ttl,
        )
    )
    for remote_id in kept.remote_ids:
        connection.execute(sa.insert(remote_ids).values(remote_id=remote_id, provider=kept.id))


def remove_provider(connection: Connection, identifier: str) -> bool:
    connection.execute(sa.delete(protocols).where(protocols.c.provider == identifier))
    connection.execute(sa.delete(remote_ids).where(remote_ids.c.provider == identifier))
    return connection.execute(sa.delete(providers).where(providers.c.id == identifier)).rowcount > 0


def all_protocols(connection: Connection, identifier: str) -> list[Protocol]:
    wanted = sa.select(protocols).where(protocols.c.provider == identifier).order_by(protocols.c.id)
    return [Protocol(*row) for row in connection.execute(wanted)]


def put_protocol(connection: Connection, kept: Protocol) -> None:
    remove_protocol(connection, kept.provider, kept.id)
    connection.execute(
        sa.insert(protocols).values(
            provider=kept.provider,
            id=kept.id,
            mapping=kept.mapping,
            remote_id_attribute=kept.remote_id_attribute,
        )
    )


def remove_protocol(connection: Connection, provider: str, identifier: str) -> bool:
    wanted = sa.delete(protocols).where(protocols.c.provider == provider, protocols.c.id == identifier)
    return connection.execute(wanted).rowcount > 0


def all_mappings(connection: Connection) -> list[KeptMapping]:
    rows = connection.execute(sa.select(mappings).order_by(mappings.c.id))
    return [KeptMapping(row.id, json.loads(row.document)) for row in rows]


def mapping(connection: Connection, identifier: str) -> KeptMapping | None:
    row = connection.execute(sa.select(mappings).where(mappings.c.id == identifier)).first()
    return KeptMapping(row.id, json.loads(row.document)) if row else None


def put_mapping(connection: Connection, identifier: str, document: Mapping[str, Any]) -> None:
    remove_mapping(connection, identifier)
    connection.execute(sa.insert(mappings).values(id=identifier, document=json.dumps(document)))


def remove_mapping(connection: Connection, identifier: str) -> bool:
    return connection.execute(sa.delete(mappings).where(mappings.c.id == identifier)).rowcount > 0


def all_service_providers(connection: Connection) -> list[ServiceProvider]:
    rows = connection.execute(sa.select(service_providers).order_by(service_providers.c.id))
    return [ServiceProvider(*row) for row in rows]


def service_provider(connection: Connection, identifier: str) -> ServiceProvider | None:
    row = connection.execute(sa.select(service_providers).where(service_providers.c.id == identifier)).first()
    return ServiceProvider(*row) if row else None


def put_service_provider(connection: Connection, kept: ServiceProvider) -> None:
    remove_service_provider(connection, kept.id)
    connection.execute(
        sa.insert(service_providers).values(
            id=kept.id,
            auth_url=kept.auth_url,
            sp_url=kept.sp_url,
            description=kept.description,
            enabled=kept.enabled,
            relay_state_prefix=kept.relay_state_prefix,
        )
    )


def remove_service_provider(connection: Connection, identifier: str) -> bool:
    return connection.execute(sa.delete(service_providers).where(service_providers.c.id == identifier)).rowcount > 0


def _provider(row: Row[Any], named: tuple[str, ...]) -> IdentityProvider:
    return IdentityProvider(row.id, row.enabled, row.description, row.domain_id, row.authorization_ttl, named)
