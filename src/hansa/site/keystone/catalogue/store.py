"""Tables of the catalogue that admins made; what the site itself offers is not stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.site.keystone.catalogue.model import Endpoint, EndpointGroup, Interface, Region, Service

metadata = sa.MetaData()

regions = sa.Table(
    "keystone_region",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("parent", sa.String(255)),
    sa.Column("extra", sa.Text, nullable=False),
)

services = sa.Table(
    "keystone_service",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("type", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("description", sa.Text),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("extra", sa.Text, nullable=False),
)

endpoints = sa.Table(
    "keystone_endpoint",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("service", sa.String(64), nullable=False, index=True),
    sa.Column("interface", sa.String(8), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("region", sa.String(255)),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("extra", sa.Text, nullable=False),
)

groups = sa.Table(
    "keystone_endpoint_group",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("filters", sa.Text, nullable=False),
)

shown = sa.Table(
    "keystone_project_endpoint",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("endpoint", sa.String(64), primary_key=True, index=True),
)

shown_groups = sa.Table(
    "keystone_project_endpoint_group",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("endpoint_group", sa.String(64), primary_key=True, index=True),
)


@dataclass(frozen=True, slots=True)
class Content:
    """The whole catalogue. `by_project` and `groups_of` say which endpoints and groups a project is confined to."""

    regions: dict[str, Region]
    services: dict[str, Service]
    endpoints: dict[str, Endpoint]
    groups: dict[str, EndpointGroup]
    by_project: frozenset[tuple[str, str]]
    groups_of: frozenset[tuple[str, str]]


def read(connection: Connection) -> Content:
    found_regions = [
        Region(row.id, row.description, row.parent, orjson.loads(row.extra))
        for row in connection.execute(sa.select(regions).order_by(regions.c.id))
    ]
    found_services = [
        Service(row.id, row.type, row.name, row.description, row.enabled, orjson.loads(row.extra))
        for row in connection.execute(sa.select(services).order_by(services.c.id))
    ]
    found_groups = [
        EndpointGroup(row.id, row.name, row.description, orjson.loads(row.filters))
        for row in connection.execute(sa.select(groups).order_by(groups.c.id))
    ]
    found_endpoints = [
        Endpoint(
            row.id, row.service, Interface(row.interface), row.url, row.region, row.enabled, orjson.loads(row.extra)
        )
        for row in connection.execute(sa.select(endpoints).order_by(endpoints.c.id))
    ]
    return Content(
        {each.id: each for each in found_regions},
        {each.id: each for each in found_services},
        {each.id: each for each in found_endpoints},
        {each.id: each for each in found_groups},
        frozenset((row.project, row.endpoint) for row in connection.execute(sa.select(shown))),
        frozenset((row.project, row.endpoint_group) for row in connection.execute(sa.select(shown_groups))),
    )


def put_region(connection: Connection, region: Region) -> None:
    _put(
        connection,
        regions,
        id=region.id,
        description=region.description,
        parent=region.parent,
        extra=_json(region.extra),
    )


def remove_regions(connection: Connection, ids: Iterable[str]) -> None:
    connection.execute(sa.delete(regions).where(regions.c.id.in_(list(ids))))


def put_service(connection: Connection, service: Service) -> None:
    _put(
        connection,
        services,
        id=service.id,
        type=service.type,
        name=service.name,
        description=service.description,
        enabled=service.enabled,
        extra=_json(service.extra),
    )


def remove_service(connection: Connection, service: str) -> None:
    """With its endpoints."""
    own = list(connection.scalars(sa.select(endpoints.c.id).where(endpoints.c.service == service)))
    remove_endpoints(connection, own)
    connection.execute(sa.delete(services).where(services.c.id == service))


def put_endpoint(connection: Connection, endpoint: Endpoint) -> None:
    _put(
        connection,
        endpoints,
        id=endpoint.id,
        service=endpoint.service,
        interface=endpoint.interface.value,
        url=endpoint.url,
        region=endpoint.region,
        enabled=endpoint.enabled,
        extra=_json(endpoint.extra),
    )


def remove_endpoints(connection: Connection, ids: Iterable[str]) -> None:
    connection.execute(sa.delete(shown).where(shown.c.endpoint.in_(list(ids))))
    connection.execute(sa.delete(endpoints).where(endpoints.c.id.in_(list(ids))))


def put_group(connection: Connection, group: EndpointGroup) -> None:
    _put(
        connection,
        groups,
        id=group.id,
        name=group.name,
        description=group.description,
        filters=_json(group.filters),
    )


def remove_group(connection: Connection, group: str) -> None:
    connection.execute(sa.delete(shown_groups).where(shown_groups.c.endpoint_group == group))
    connection.execute(sa.delete(groups).where(groups.c.id == group))


def confine(connection: Connection, project: str, endpoint: str) -> None:
    _link(connection, shown, project=project, endpoint=endpoint)


def confine_to_group(connection: Connection, project: str, group: str) -> None:
    _link(connection, shown_groups, project=project, endpoint_group=group)


def unconfine(connection: Connection, project: str, endpoint: str) -> None:
    connection.execute(sa.delete(shown).where(shown.c.project == project, shown.c.endpoint == endpoint))


def unconfine_from_group(connection: Connection, project: str, group: str) -> None:
    these = sa.and_(shown_groups.c.project == project, shown_groups.c.endpoint_group == group)
    connection.execute(sa.delete(shown_groups).where(these))


def _json(members: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(members)).decode()


def _put(connection: Connection, table: sa.Table, **values: object) -> None:
    """Insert, or replace what has that id."""
    changed = connection.execute(sa.update(table).where(table.c.id == values["id"]).values(**values))
    if changed.rowcount == 0:
        connection.execute(sa.insert(table).values(**values))


def _link(connection: Connection, table: sa.Table, **values: str) -> None:
    """Idempotent."""
    same = sa.and_(*(table.c[name] == value for name, value in values.items()))
    if connection.execute(sa.select(table).where(same)).first() is None:
        connection.execute(sa.insert(table).values(**values))


def forget_project(connection: Connection, project: str) -> None:
    for table in (shown, shown_groups):
        connection.execute(sa.delete(table).where(table.c.project == project))
